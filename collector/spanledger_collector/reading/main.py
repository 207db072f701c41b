"""The reader process: what it is made of, and its loop."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from spanledger_collector import logs, memory, normalise
from spanledger_collector.counters import Counters
from spanledger_collector.dead_letters import DeadLetters
from spanledger_collector.ledger import modelled
from spanledger_collector.pricing import published
from spanledger_collector.reading.batch import Reader
from spanledger_collector.reading.messages import Outcome, Setting, Task, Wire
from spanledger_collector.store import pack
from spanledger_collector.tellings import Emitters

if TYPE_CHECKING:
    from spanledger_collector.ledger.modelled import RatiosBySite
    from spanledger_collector.model import Call, Cost
    from spanledger_collector.wal import Segment


def main(descriptor: int) -> None:
    """Read segments until the collector is gone."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the collector decides when it has worked off what it accepted
    logs.set_up(os.environ)
    memory.without_pandas()
    pa.set_memory_pool(pa.system_memory_pool())
    wire = Wire(socket.socket(fileno=descriptor))
    with suppress(EOFError, OSError):
        reading = Reading(wire.receive())
        memory.settle()
        while True:
            reading.answer(wire, wire.receive())


class Reading:
    """A reader, and what it was told."""

    def __init__(self, setting: Setting) -> None:
        if setting.edition:
            published.use(*setting.edition)
        self._book, self._counters, self._emitters = setting.book, Counters(), Emitters()
        self._ratios: RatiosBySite = {}
        self._reader = Reader(
            setting.rules.after(normalise.to_call),
            self._price,
            pack,
            DeadLetters(setting.letters, self._counters),
            self._counters,
            emitters=self._emitters,
        )

    def answer(self, wire: Wire, task: Task) -> None:
        """Raises OSError when nobody listens any more."""
        self._learn(task)
        version = self._emitters.version
        outcome = self._read(wire, task.segment)
        wire.end_rows()
        emitters = self._emitters if self._emitters.version != version else None
        wire.send(replace(outcome, counted=self._counters.take(), emitters=emitters))

    def _read(self, wire: Wire, segment: Segment) -> Outcome:
        try:
            seen, suspects = self._reader.in_pieces(segment, wire.send_rows)
        except Exception as error:  # noqa: BLE001 - the collector tells it and asks again
            return Outcome(failed=f"{type(error).__name__}: {error}")
        return Outcome(Outcome.packed(seen), suspects)

    def _learn(self, task: Task) -> None:
        if task.lines is not None:
            self._book.use(task.lines)
        if task.ratios is not None:
            self._ratios = task.ratios
        if task.emitters is not None:
            self._emitters.update(task.emitters)

    def _price(self, call: Call) -> Cost:
        return modelled.price(call, self._ratios, self._book.price)
