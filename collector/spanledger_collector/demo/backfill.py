"""Loads the made-up month into a running collector, through the same door as everybody else's spans.

What was loaded is remembered beside the store, and each call has the same ids whenever it is made: starting again adds
what is missing and doubles nothing. Run as a process of its own, so that making calls and storing them share no lock.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from spanledger_collector.demo.history.month import HOUR_NS, HOURS, Month
from spanledger_collector.demo.history.seasons import ahead
from spanledger_collector.demo.pitfalls.week import Week
from spanledger_collector.demo.sender import NotAccepted, Sender

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CALLS = 200_000
PIECE_HOURS = 6
NOTES = "demo.json"
REPORT_S = 2.0
FAILED = 1
INTERRUPTED = 130


class NotesUnreadable(Exception):
    """The notes beside the store are no notes; the text names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class Notes:
    """What the store beside this file holds of the made-up month. Hours since the epoch, UTC."""

    calls: int  # asked for, in thirty days
    anchor_hour: int  # when the demo was first started
    loaded_from: int  # first hour loaded
    loaded_until_ns: int  # everything from there to this time is loaded

    @classmethod
    def fresh(cls, calls: int, now_ns: int) -> Notes:
        hour = now_ns // HOUR_NS
        return cls(calls, hour, hour, hour * HOUR_NS)

    @classmethod
    def read(cls, data: Path) -> Notes | None:
        """None where no demo was ever loaded. Raises NotesUnreadable."""
        path = data / NOTES
        if not path.exists():
            return None
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise NotesUnreadable(
                f"{path} does not say what this demo store holds ({error}): remove {data} to start a new demo"
            ) from error

    def write(self, data: Path) -> None:
        """In one step, so that a crash leaves the old notes or the new."""
        data.mkdir(parents=True, exist_ok=True)
        draft = data / f"{NOTES}.new"
        draft.write_text(json.dumps(asdict(self), indent=2), encoding="utf-8")
        draft.replace(data / NOTES)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some hours to load, and what the notes say afterwards."""

    hours: range
    until_ns: int
    after: Notes


def pieces(notes: Notes, now_ns: int) -> Iterator[Piece]:
    """First what happened since, then backwards from what is loaded to the month's beginning."""
    hours = range(notes.loaded_until_ns // HOUR_NS, now_ns // HOUR_NS + 1)
    for at in range(hours.start, hours.stop, PIECE_HOURS):
        part = hours[at - hours.start :][:PIECE_HOURS]
        until_ns = min(now_ns, part.stop * HOUR_NS)
        notes = replace(notes, loaded_until_ns=until_ns)
        yield Piece(part, until_ns, notes)
    first = notes.anchor_hour - HOURS
    while notes.loaded_from > first:
        part = range(max(first, notes.loaded_from - PIECE_HOURS), notes.loaded_from)
        notes = replace(notes, loaded_from=part.start)
        yield Piece(part, now_ns, notes)


class Progress:
    """Tells how far it is: one line that renews itself on a terminal, else a line now and then."""

    def __init__(self, hours: int) -> None:
        self._hours = hours
        self._begun = self._told = time.monotonic()
        self.calls = 0
        self._hours_done = 0
        self._terminal = sys.stderr.isatty()

    def add(self, calls: int, hours: int) -> None:
        self.calls += calls
        self._hours_done += hours
        if self._terminal or time.monotonic() - self._told >= REPORT_S:
            self._told = time.monotonic()
            self._tell(f"history: {self._hours_done / self._hours:4.0%}, {self.calls:,} calls sent")

    def end(self) -> None:
        seconds = time.monotonic() - self._begun
        self._tell(f"history: {self.calls:,} calls in {seconds:.0f} s; what is shown is made up, and labelled so")
        if self._terminal:
            sys.stderr.write("\n")

    def _tell(self, text: str) -> None:
        line = f"\r\x1b[Kspanledger demo: {text}" if self._terminal else f"spanledger demo: {text}\n"
        sys.stderr.write(line)
        sys.stderr.flush()


def load(data: Path, calls: int, sender: Sender, now_ns: int, *, pitfalls: bool = False) -> int:
    """Send what the store beside ``data`` lacks; how many spans that were. With ``pitfalls``, those that detectors know
    as well, each beside its clean twin. Raises NotAccepted and NotesUnreadable.
    """
    notes = Notes.read(data) or Notes.fresh(calls, now_ns)
    month = Month(notes.calls, notes.anchor_hour, data / "services", ahead(notes.anchor_hour))
    week = Week(notes.anchor_hour)
    plan = list(pieces(notes, now_ns))
    progress = Progress(sum(len(piece.hours) for piece in plan))
    for piece in plan:
        sent = 0
        seeded = week.requests(piece.hours, piece.until_ns) if pitfalls else ()
        for spans, body in chain(month.requests(piece.hours, piece.until_ns), seeded):
            sender.send(body)
            sent += spans
        piece.after.write(data)
        progress.add(sent, len(piece.hours))
    progress.end()
    return progress.calls


def main(argv: Sequence[str] | None = None) -> int:
    """Load the history into the collector at ``--endpoint``; the exit code."""
    parser = argparse.ArgumentParser("python -m spanledger_collector.demo.backfill", description=main.__doc__)
    parser.add_argument("--endpoint", required=True, metavar="URL", help="base of the collector's OTLP/HTTP listener")
    parser.add_argument("--api", required=True, metavar="URL", help="base of its API, which tells how far it is")
    parser.add_argument("--data", required=True, type=Path, metavar="DIR", help="the demo's data directory")
    parser.add_argument("--calls", type=int, default=CALLS, metavar="N", help="in thirty days (default: %(default)s)")
    options = parser.parse_args(argv)
    sender = Sender(options.endpoint, options.api, os.environ.get("SPANLEDGER_TOKEN", ""))
    try:
        load(options.data, options.calls, sender, time.time_ns(), pitfalls=True)
    except (NotAccepted, NotesUnreadable) as error:
        sys.stderr.write(f"spanledger demo: the history is not loaded: {error}\n")
        return FAILED
    except KeyboardInterrupt:  # what was sent is noted; the next start sends the rest
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
