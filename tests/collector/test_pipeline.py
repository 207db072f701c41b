"""From log segments to rows of a real embedded store, with everything that can go wrong on the way."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from tests.support.calls import make_call
from tests.support.otlp import body, chat_span, pairs

from spanledger_collector import normalise, otlp_logs, pipeline
from spanledger_collector.counters import Counters
from spanledger_collector.dead_letters import DeadLetters
from spanledger_collector.model import Usage
from spanledger_collector.pipeline import Pipeline, Stages
from spanledger_collector.pricing import Book
from spanledger_collector.reading.batch import Reader
from spanledger_collector.recent import RecentSpans
from spanledger_collector.store import Store, pack
from spanledger_collector.tellings import Emitters
from spanledger_collector.wal import Limits, Log

PRICE = Decimal("0.0028")  # 1000 x 2 + 100 x 8 US dollars per million tokens of gpt-4.1


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    store = Store.open(f"chdb://{tmp_path_factory.mktemp('pipeline')}/store")
    yield store
    store.close()


@pytest.fixture
def store(opened):
    for table in ("calls", "spans", "calls_hourly"):
        opened._writer.command(f"TRUNCATE TABLE {table}")
    return opened


@pytest.fixture
def log(tmp_path):
    log = Log(tmp_path / "wal", Limits(segment_age_s=0.01))
    yield log
    log.close()


@pytest.fixture
def counters():
    return Counters()


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(pipeline, "FIRST_RETRY_S", 0.01)


@pytest.fixture
def working(log, store, counters, tmp_path):
    """Starts a pipeline over the log; at the end of the block everything is worked off."""

    @contextmanager
    def start(**changes):
        recent = RecentSpans(complete_from_ns=0)
        common = {"dead_letters": DeadLetters(tmp_path / "dead-letters", counters), "counters": counters}
        ledger, forward = changes.pop("ledger", store), changes.pop("forward", None)
        common["emitters"] = Emitters()
        reads = Reader(**{"to_call": normalise.to_call, "price": Book().price, "pack": pack, **changes}, **common)
        started = Pipeline(Stages(log, reads, ledger, recent, counters, forward))
        started.start()
        yield
        _until(lambda: not log.segments)
        started.drain(20)

    return start


def _until(true):
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def send(log, *bodies):
    for each in bodies:
        log.append(time.time_ns(), each).result(10)


def in_segments(log, *bodies):
    """Each body in a segment of its own."""
    for each in bodies:
        before = log.segments
        send(log, each)
        _until(lambda before=before: log.segments > before or log._open is None)


def totals(store):
    """Spans, calls, and what the rollup counts and sums."""
    spans = store.query("SELECT count() AS n FROM spans").column("n")[0].as_py()
    calls = store.query("SELECT count() AS n FROM calls").column("n")[0].as_py()
    hourly = store.query("SELECT sum(calls) AS n, sum(cost) AS cost FROM calls_hourly").to_pylist()[0]
    return spans, calls, hourly["n"], hourly["cost"]


def test_a_chat_span_becomes_a_priced_call_and_another_span_does_not(log, store, working):
    plain = chat_span()
    del plain.attributes[:]
    with working():
        send(log, body(chat_span(), plain))
    assert totals(store) == (2, 1, 1, PRICE)


def test_a_request_sent_again_is_one_call(log, store, working, counters):
    sent = body(chat_span())
    with working():
        in_segments(log, sent, sent)
        send(log, sent, sent)
    assert totals(store) == (1, 1, 1, PRICE)
    assert counters.total("spanledger_spans_deduplicated_total") == 3


def test_a_span_in_another_batch_is_one_call_and_its_neighbours_count(log, store, working):
    span = chat_span()
    with working():
        in_segments(log, body(span, chat_span()), body(chat_span(), span))
    assert totals(store) == (3, 3, 3, 3 * PRICE)


def test_values_that_lose_their_end_are_counted(log, working, counters):
    with working():
        send(log, body(chat_span(prompt="x" * 8193, reply="x" * 8192)))
    assert counters.total("spanledger_values_cut_total") == 1


@pytest.mark.parametrize("memory", [lambda: RecentSpans(time.time_ns()), lambda: RecentSpans(None)])
def test_the_store_is_asked_where_the_memory_does_not_reach(log, store, counters, tmp_path, memory):
    sent = body(chat_span())
    for _ in range(2):
        letters = DeadLetters(tmp_path / "dead-letters", counters)
        reads = Reader(normalise.to_call, Book().price, pack, letters, counters, emitters=Emitters())
        process = Pipeline(Stages(log, reads, store, memory(), counters))
        process.start()
        send(log, sent)
        _until(lambda: not log.segments)
        process.drain(20)
    assert totals(store) == (1, 1, 1, PRICE)


class Ledger:
    """The real store, failing as told."""

    def __init__(self, store, failures):
        self._store, self._failures = store, failures
        self.known = store.known

    def write_rows(self, segment, parts):
        if self._failures:
            self._failures.pop()(self._store, segment, parts)
        return self._store.write_rows(segment, parts)


def unreachable(*_):
    raise ConnectionError("no route to the store")


def written_but_not_told(store, segment, parts):
    store.write_rows(segment, parts)
    raise ConnectionError("connection lost")


def half_written(store, segment, parts):
    store.write_rows(segment, [replace(part, spans=part.spans.slice(0, 0)) for part in parts])
    raise ConnectionError("connection lost")


@pytest.mark.parametrize("failure", [unreachable, written_but_not_told, half_written])
def test_a_segment_is_written_again_until_it_is_there_once(log, store, working, counters, failure):
    with working(ledger=Ledger(store, [failure, failure])):
        send(log, body(chat_span(), chat_span()))
    assert totals(store) == (2, 2, 2, 2 * PRICE)
    assert counters.total("spanledger_store_failures_total") == 2


class Down:
    known = staticmethod(lambda *_, **__: set())
    write_rows = staticmethod(unreachable)


def test_what_a_dead_store_did_not_take_waits_in_the_log(log, store, working, counters, tmp_path):
    letters = DeadLetters(tmp_path / "dead-letters", counters)
    reads = Reader(normalise.to_call, Book().price, pack, letters, counters, emitters=Emitters())
    stopped = Pipeline(Stages(log, reads, Down(), RecentSpans(0), counters))
    stopped.start()
    send(log, body(chat_span()))
    _until(lambda: counters.total("spanledger_store_failures_total"))
    assert stopped.drain(0.1) is False
    with working():
        pass
    assert totals(store) == (1, 1, 1, PRICE)


def test_a_span_our_code_fails_on_is_put_aside_and_its_neighbours_live(log, store, working, counters, tmp_path):
    def fragile(span):
        if span.name == "strange":
            raise KeyError("a name nobody thought of")
        return normalise.to_call(span)

    strange = chat_span(api_key=b"\0\1")
    strange.name = "strange"
    with working(to_call=fragile):
        send(log, body(chat_span(), strange, chat_span()))
    assert totals(store) == (3, 2, 2, 2 * PRICE)
    (letter,) = [json.loads(path.read_text()) for path in (tmp_path / "dead-letters").iterdir()]
    assert letter["reason"] == "KeyError: 'a name nobody thought of'"
    assert (letter["span"]["span_id"], letter["span"]["attributes"]["api_key"]) == (strange.span_id.hex(), "0x0001")
    assert counters.total("spanledger_spans_dead_lettered_total") == 1


def test_dead_letters_are_bounded_and_the_oldest_go(tmp_path, counters):
    letters = DeadLetters(tmp_path / "letters", counters, max_files=3)
    for place in range(5):
        letters.keep_request(1, place, b"\xff", ValueError("bad"))
    kept = sorted(json.loads(path.read_text())["place"] for path in (tmp_path / "letters").iterdir())
    assert kept == [2, 3, 4]
    assert counters.total("spanledger_dead_letters_dropped_total") == 2


def test_a_damaged_record_costs_itself_alone(log, store, working, counters):
    log._limits = Limits(segment_age_s=0.5)  # all three in one segment, however slow the machine
    send(log, body(chat_span()), body(chat_span()), body(chat_span()))
    _until(lambda: log._open is None)
    (path,) = log._directory.glob("*.wal")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with working():
        pass
    assert totals(store) == (2, 2, 2, 2 * PRICE)
    assert counters.total("spanledger_log_damaged_records_total", kind="checksum") == 1


def test_a_segment_somebody_deleted_is_counted_and_holds_nobody_up(log, store, working, counters):
    send(log, body(chat_span()))
    _until(lambda: log._open is None)
    (path,) = log._directory.glob("*.wal")
    path.unlink()
    with working():
        send(log, body(chat_span()))
    assert totals(store) == (1, 1, 1, PRICE)
    assert counters.total("spanledger_log_damaged_records_total", kind="missing") == 1


def test_every_request_is_offered_to_the_other_backend_byte_for_byte(log, working):
    offered, refused = [], chat_span()
    refused.trace_id = bytes(16)
    sent = body(chat_span(), refused)
    with working(forward=lambda *request: offered.append(request)):
        send(log, sent)
    assert offered == [(sent, "traces")]


def told(name, **ids):
    """A log request with one record."""
    logs = ExportLogsServiceRequest()
    record = logs.resource_logs.add().scope_logs.add().log_records.add(**ids)
    record.time_unix_nano = time.time_ns()
    record.attributes.extend(pairs({"event.name": name}))
    return logs.SerializeToString()


def test_a_log_record_that_tells_of_a_call_is_one_call_and_another_is_not_stored(log, store, working, counters):
    def to_call(span):
        return make_call(Usage(1000, output=100), trace_id=span.trace_id, span_id=span.span_id)

    def of_events(span):
        return to_call(span) if span.event and span.name == "api_request" else None

    sent = told("api_request", trace_id=b"t" * 16, span_id=b"p" * 8)
    with working(to_call=of_events):
        for each in (sent, told("user_prompt"), sent):
            log.append(time.time_ns(), each, "logs").result(10)
        send(log, body(chat_span()))
    assert totals(store) == (2, 1, 1, PRICE)
    assert counters.total("spanledger_log_records_unused_total") == 1
    (row,) = store.query("SELECT trace_id, parent_span_id FROM spans WHERE name = 'api_request'").to_pylist()
    assert row == {"trace_id": b"t" * 16, "parent_span_id": b"p" * 8}


def test_a_conventions_event_beside_its_span_is_not_a_second_bill():
    event = next(otlp_logs.decode(told("gen_ai.client.inference.operation.details"), time.time_ns()))
    event.attributes |= {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 5}
    assert normalise.to_call(event) is None
