"""A second process reads large segments: the same rows as in this one, whatever was changed meanwhile, and whatever
becomes of it.
"""

from __future__ import annotations

import itertools
import signal
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.support.collector import children, start_collector
from tests.support.otlp import body, chat_span

from spanledger_collector import normalise
from spanledger_collector.counters import Counters
from spanledger_collector.dead_letters import DeadLetters
from spanledger_collector.ledger.allocation import Assignment, Rules
from spanledger_collector.ledger.modelled import Ratios
from spanledger_collector.pricing import Book, overrides, published
from spanledger_collector.reading import process
from spanledger_collector.reading.batch import PIECE, Batch, Reader
from spanledger_collector.reading.messages import Setting
from spanledger_collector.reading.process import ReaderProcess, ReadingFailed, SharedReading
from spanledger_collector.rows import joined
from spanledger_collector.store import pack
from spanledger_collector.tellings import Emitters
from spanledger_collector.wal import Segment
from spanledger_collector.wal.record import header

if TYPE_CHECKING:
    from collections.abc import Iterator

PRICE = Decimal("0.0028")  # 1000 x 2 + 100 x 8 US dollars per million tokens of gpt-4.1
USAGE = {"gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "spanledger.usage.grade"}


class Both:
    """One reader of each kind over the same directory."""

    def __init__(self, directory: Path, rules: Rules | None = None) -> None:
        rules = rules or Rules()
        self.counted = {"here": Counters(), "apart": Counters()}
        self.emitters = {"here": Emitters(), "apart": Emitters()}
        self.book, self.ratios = Book(), {}
        self.directory, self.letters = directory, directory / "letters"
        here = self.counted["here"]
        self.here = Reader(
            rules.after(normalise.to_call),
            self.book.price,
            pack,
            DeadLetters(self.letters, here),
            here,
            emitters=self.emitters["here"],
        )
        setting = Setting(self.letters, rules, self.book, published.in_use())
        self.apart = ReaderProcess(setting, lambda: self.ratios, self.emitters["apart"], self.counted["apart"])
        self._ids = itertools.count(1)

    def segment(self, *bodies: bytes) -> Segment:
        """As the log seals it."""
        number, now = next(self._ids), time.time_ns()
        content = b"".join(header(now, each) + each for each in bodies)
        path = self.directory / f"{number}.wal"
        path.write_bytes(content)
        return Segment(number, path, len(content))


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    made = Both(tmp_path)
    yield made
    made.apart.stop()


def costs(batch: Batch) -> list[Decimal | None]:
    return joined(batch.rows).calls.column("cost").to_pylist()


def assert_same(one: Batch, other: Batch) -> None:
    assert one.spans == other.spans
    assert one.suspects == other.suspects
    ours, theirs = joined(one.rows), joined(other.rows)
    assert ours.calls.to_pylist() == theirs.calls.to_pylist()
    assert ours.spans.to_pylist() == theirs.spans.to_pylist()


def of_scope(content: bytes, name: bytes) -> bytes:
    """Told by another emitter; its name is as long as the one it takes the place of."""
    assert len(name) == len(b"tests")
    return content.replace(b"\x0a\x05tests", b"\x0a\x05" + name)


def test_both_read_the_same(both):
    """Of two emitters, with a span twice, one without a price, one that is no call, and a request nobody can read."""
    twice, unknown, plain = chat_span(), chat_span(gen_ai__response__model="nobody-knows"), chat_span()
    del plain.attributes[:]
    requests = [body(twice, unknown), body(twice, plain, *(chat_span(prompt="ü" * 9000) for _ in range(700)))]
    segment = both.segment(*requests, of_scope(body(chat_span()), b"other"), b"\xff no request")
    here, apart = both.here.read(segment), both.apart.read(segment)
    assert_same(here, apart)
    assert len(apart.spans) == 704
    assert len(apart.suspects) == 703
    assert costs(apart)[:2] == [PRICE, None]
    assert both.counted["apart"].snapshot() == both.counted["here"].snapshot() | {"spanledger_reader_starts_total": 1}
    assert both.counted["apart"].total("spanledger_spans_deduplicated_total") == 1
    assert both.counted["apart"].total("spanledger_spans_dead_lettered_total", stage="request") == 1
    assert len(list(both.letters.iterdir())) == 1


def test_a_price_line_given_later_holds_for_the_next_segment(both, tmp_path):
    file = tmp_path / "prices.toml"
    file.write_text('[[price]]\nprovider = "openai"\nmodel = "gpt-4.1"\ninput = "1000"\noutput = "0"')
    before = both.apart.read(both.segment(body(chat_span())))
    both.book.use(overrides.read(file))
    after = both.apart.read(both.segment(body(chat_span())))
    assert (costs(before), costs(after)) == ([PRICE], [Decimal(1)])


def test_what_was_learnt_of_streams_without_usage_holds_for_the_next_segment(both):
    silent = chat_span(spanledger__input__chars=2000, spanledger__output__chars=1000)
    kept = [each for each in silent.attributes if each.key not in USAGE]
    del silent.attributes[:]
    silent.attributes.extend(kept)
    before = both.apart.read(both.segment(body(silent)))
    site = ("openai", "gpt-4.1-2025-04-14", "checkout", "", "", 0)
    both.ratios = {site: Ratios(60, 0.0, (0.1, 0.25, 0.5), (0.1, 0.2, 0.4))}
    after = both.apart.read(both.segment(body(silent)))
    assert (costs(before), costs(after)) == ([None], [Decimal("0.0026")])  # 500 x 2/M + 200 x 8/M


def test_who_tells_of_calls_is_known_on_both_sides(both):
    first = both.apart.read(both.segment(body(chat_span())))
    assert first.suspects == []
    both.emitters["apart"].add("other", ["gpt-4.1-2025-04-14"])  # told of in a segment that was read here
    second = both.apart.read(both.segment(body(chat_span())))
    assert [each.id for each in second.suspects] == [span.id for span in second.spans]
    known = Emitters()
    known.update(both.emitters["apart"])
    version = known.version
    known.add("tests", ["gpt-4.1", "gpt-4.1-2025-04-14"])
    assert known.version == version  # the other process has told


def test_rules_and_another_edition_of_prices_are_taken_along(tmp_path):
    rules = Rules((Assignment({"service": "check*"}, {}, {}, {"team": "payments"}),))
    providers = [one for one in published.providers().values() if one.id != "openai"]
    published.use(providers, "an edition without openai")
    try:
        both = Both(tmp_path, rules)
        batch = both.apart.read(both.segment(body(chat_span())))
        both.apart.stop()
    finally:
        published.use(None)
    assert joined(batch.rows).calls.column("team").to_pylist() == ["payments"]
    assert costs(batch) == [None]


def test_a_segment_that_cannot_be_read_says_why_and_the_next_one_is(both, tmp_path):
    (tmp_path / "directory.wal").mkdir()
    with pytest.raises(ReadingFailed, match="IsADirectoryError"):
        both.apart.read(Segment(1, tmp_path / "directory.wal", 1))
    assert costs(both.apart.read(both.segment(body(chat_span())))) == [PRICE]
    assert both.counted["apart"].total("spanledger_reader_starts_total") == 1


@pytest.fixture
def shared(both, monkeypatch) -> SharedReading:
    monkeypatch.setattr(process, "LARGE_BYTES", 1000)
    return SharedReading(both.here, both.apart)


def starts(both: Both) -> int:
    return both.counted["apart"].total("spanledger_reader_starts_total")


def test_only_for_a_large_segment_is_a_process_started(both, shared):
    small = both.segment(body(chat_span()))
    assert small.size < process.LARGE_BYTES
    assert costs(shared.read(small)) == [PRICE]
    assert starts(both) == 0
    assert costs(shared.read(both.segment(body(chat_span(), chat_span(), chat_span())))) == [PRICE] * 3
    assert starts(both) == 1


@pytest.mark.parametrize("when", ["before", "while"])
def test_a_process_that_ended_is_done_without_and_started_again(both, shared, when, monkeypatch, caplog):
    # In pieces, and what is made of them is more than the sockets hold: after the first the other end is not done yet.
    spans, requests = 6 * PIECE, [body(*(chat_span() for _ in range(PIECE))) for _ in range(18)]
    sent = [requests[:6], requests[6:12], requests[12:]]
    assert len(shared.read(both.segment(*sent[0])).spans) == spans
    child = both.apart._child
    if when == "before":
        child.kill()
    else:
        receive = both.apart._wire.receive_rows

        def killed() -> Iterator[Any]:
            for rows in receive():
                child.kill()
                child.wait()
                yield rows

        monkeypatch.setattr(both.apart._wire, "receive_rows", killed)
    assert costs(shared.read(both.segment(*sent[1]))) == [PRICE] * spans
    assert "signal 9" in caplog.text
    assert "no second process to read segments, they are read in this one" in caplog.text
    assert starts(both) == 1  # not at once: what ended it may still be there
    monkeypatch.setattr(shared, "_not_before_s", 0.0)
    assert costs(shared.read(both.segment(*sent[2]))) == [PRICE] * spans
    assert starts(both) == 2


def test_where_no_process_can_be_started_all_is_read_here(both, shared, monkeypatch, caplog):
    monkeypatch.setattr(process.sys, "executable", "/nowhere/python")
    for _ in range(2):
        assert costs(shared.read(both.segment(body(*(chat_span() for _ in range(5)))))) == [PRICE] * 5
    assert caplog.text.count("they are read in this one") == 1


def test_after_a_quiet_time_it_gives_its_memory_back(both, shared, monkeypatch):
    shared.read(both.segment(body(*(chat_span() for _ in range(5)))))
    child = both.apart._child
    shared.read(both.segment(body(chat_span())))
    assert child.poll() is None
    monkeypatch.setattr(process, "IDLE_S", -1.0)
    shared.read(both.segment(body(chat_span())))
    assert child.poll() == 0


def test_who_is_told_to_stop_goes_on_as_long_as_the_collector_does(both):
    both.apart.read(both.segment(body(chat_span())))
    for number in (signal.SIGINT, signal.SIGTERM):
        both.apart._child.send_signal(number)
    assert costs(both.apart.read(both.segment(body(chat_span())))) == [PRICE]
    assert both.apart.stop() == "exit code 0"


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the children")
@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_collector_under_load_reads_apart_and_takes_the_process_with_it(tmp_path, end):
    collector, sent = start_collector(tmp_path / "data"), 0
    with httpx.Client(headers={"content-type": "application/x-protobuf"}, trust_env=False, timeout=60) as client:
        for _ in range(6):  # while the first is written, what comes after it grows to one large segment
            content = body(*(chat_span(prompt="x" * 1000) for _ in range(1500)))
            assert client.post(f"{collector.otlp_http}/v1/traces", content=content).status_code == 200
            sent += 1500
    totals = collector.wait_for_calls(sent)
    assert (totals["calls"], Decimal(totals["cost_usd"])) == (sent, sent * PRICE)
    (child,) = children(collector.process.pid)
    assert collector.get("/api/v1/status")["counters"]["spanledger_reader_starts_total"] == 1
    getattr(collector, end)()
    deadline = time.monotonic() + 20
    while not is_gone(child):
        assert time.monotonic() < deadline, "the process outlives its collector"
        time.sleep(0.05)
