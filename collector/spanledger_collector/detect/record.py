"""Findings as rows of the ``findings`` table, with the lifecycle carried over from the rows already there."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from spanledger_collector.detect.finding import Finding, Row

_PLACE = ("detector", "category", "status", "service", "feature", "provider", "model", "call_site")
_TIMES = ("updated", "window_start", "window_end", "first_seen", "last_seen")
_PROSE = ("title", "why", "fix", "snippet", "verify", "confidence", "money_grade")
SCHEMA = pa.schema(
    [pa.field(name, pa.string()) for name in ("id", *_PLACE, *_PROSE)]
    + [pa.field(name, pa.timestamp("us", tz="UTC")) for name in _TIMES]
    + [pa.field("money_usd", pa.decimal128(38, 18)), pa.field("trace_ids", pa.list_(pa.string()))]
)


def found(finding: Finding, known: Row | None, now: datetime) -> Row:
    """The row of a finding seen now. A reader's decision on it (any status but ``cleared``) stays."""
    row = {name: value for name, value in asdict(finding).items() if name not in {"place", "window", "fix"}}
    return (
        row
        | asdict(finding.place)
        | {
            "id": finding.id,
            "updated": now,
            "status": "open" if known is None or known["status"] == "cleared" else known["status"],
            "window_start": finding.window.start,
            "window_end": finding.window.end,
            "first_seen": known["first_seen"] if known else now,
            "last_seen": now,
            "fix": finding.fix.text,
            "snippet": finding.fix.snippet,
        }
    )


def cleared(known: Row, now: datetime) -> Row:
    return known | {"status": "cleared", "updated": now}


def table(rows: Iterable[Row]) -> pa.Table:
    return pa.Table.from_pylist([{name: row[name] for name in SCHEMA.names} for row in rows], schema=SCHEMA)
