"""A store that fails before, within and after writes, at random: every span once, in rows and sums."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from decimal import Decimal

import pytest
from tests.support.ledger import open_ledger
from tests.support.otlp import body, chat_span

from spanledger_collector import normalise, pipeline
from spanledger_collector.counters import Counters
from spanledger_collector.dead_letters import DeadLetters
from spanledger_collector.pipeline import Pipeline, Stages
from spanledger_collector.pricing import Book
from spanledger_collector.reading.batch import Reader
from spanledger_collector.recent import RecentSpans
from spanledger_collector.store import pack
from spanledger_collector.tellings import Emitters
from spanledger_collector.wal import Limits, Log

PRICE = Decimal("0.0028")


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    yield from open_ledger(tmp_path_factory.mktemp("flapping"))


class Flapping:
    """Raises before, between or after what it is told to do, and sometimes takes its time."""

    def __init__(self, store, chance):
        self._store, self._chance = store, chance
        self.tellings, self.retell = getattr(store, "tellings", None), getattr(store, "retell", None)

    def known(self, *arguments, **named):
        self._maybe("lost the question")
        return self._store.known(*arguments, **named)

    def write_rows(self, segment, parts):
        self._maybe("down")
        if self._chance.random() < 0.3:
            self._store.write_rows(segment, [replace(part, calls=part.calls.slice(0, 0)) for part in parts])
            raise ConnectionError("lost half way")
        written = self._store.write_rows(segment, parts)
        self._maybe("answer lost")
        return written

    def _maybe(self, what):
        if self._chance.random() < 0.3:
            raise ConnectionError(what)
        time.sleep(self._chance.random() * 0.01)


def until_stored(log):
    deadline = time.monotonic() + 60
    while log.segments:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_every_span_is_there_once(ledger, tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "FIRST_RETRY_S", 0.001)
    monkeypatch.setattr(pipeline, "LAST_RETRY_S", 0.01)
    chance, counters = random.Random(11), Counters()
    log = Log(tmp_path / "wal", Limits(segment_age_s=0.005))
    letters = DeadLetters(tmp_path / "letters", counters)
    reader = Reader(normalise.to_call, Book().price, pack, letters, counters, emitters=Emitters())
    working = Pipeline(Stages(log, reader, Flapping(ledger.store, chance), RecentSpans(None), counters))
    working.start()
    spans = [chat_span() for _ in range(60)]
    for _ in range(15):  # some spans never first, some often again
        for _ in range(4):
            log.append(time.time_ns(), body(*chance.sample(spans, 5))).result(10)
        until_stored(log)  # or all of it may be one segment
    log.append(time.time_ns(), body(*spans)).result(10)
    log.seal()
    assert working.drain(60)
    log.close()
    assert ledger.store.size()["spans"].rows == ledger.store.size()["calls"].rows == 60
    (sums,) = ledger.store.query("SELECT sum(calls) AS n, sum(cost) AS cost FROM calls_hourly").to_pylist()
    assert (sums["n"], sums["cost"]) == (60, 60 * PRICE)
    assert counters.total("spanledger_store_failures_total") > 0
