"""`spanledger collect dead-letters`: what was put aside and why, beside a running collector or without one."""

from __future__ import annotations

import argparse
import json
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.data_directory import LETTERS
from spanledger_collector.settings import default_data

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NOTHING_THERE: Final = 1


def main(argv: Sequence[str]) -> int:
    """Show the spans and requests that were put aside, the newest first, with the reason for each."""
    parser = argparse.ArgumentParser("spanledger collect dead-letters", description=main.__doc__)
    parser.add_argument("--data", type=Path, metavar="DIR", help=f"data directory (default: {default_data()})")
    parser.add_argument("--json", action="store_true", help="one line of JSON for each, with all that was kept")
    parser.add_argument("--limit", type=int, default=50, metavar="N", help="most to show (default: 50)")
    options = parser.parse_args(argv)
    directory: Path = (options.data or default_data()).expanduser() / LETTERS
    if not directory.is_dir():
        parser.exit(
            NOTHING_THERE, f"spanledger: {directory} is not there: give the collector's directory with --data\n"
        )
    paths = sorted(directory.glob("*.json"), reverse=True)
    for path in paths[: options.limit]:
        for line in _lines(path, as_json=options.json):
            print(line)  # noqa: T201 - the command's own voice
    if not options.json:
        print(f"{len(paths)} dead letters in {directory}")  # noqa: T201 - the command's own voice
    return 0


def _lines(path: Path, *, as_json: bool) -> Iterator[str]:
    try:
        letter = json.loads(path.read_text())
    except (OSError, ValueError) as error:  # being written, or deleted since
        letter = {"reason": f"cannot be read: {error}"}
    if as_json:
        yield json.dumps({"file": path.name, "put_aside": _when(letter), **letter})
        return
    yield f"{_when(letter)}  {_title(letter)}"
    yield f"    {letter['reason']}"
    yield f"    {path.name}"


def _when(letter: dict[str, Any]) -> str:
    """A segment's id is the nanosecond it was begun."""
    moment = datetime.fromtimestamp(letter.get("segment", 0) / 1e9, timezone.utc)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _title(letter: dict[str, Any]) -> str:
    span = letter.get("span")
    if span:
        service = span["resource"].get("service.name", "?")
        return f"span '{span['name']}' of {service}, trace {span['trace_id']}, span {span['span_id']}"
    return f"request of {len(letter.get('request', '')) // 2} bytes"
