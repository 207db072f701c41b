"""Findings as rows of the ``findings`` table, with the lifecycle carried over from the rows already there."""

from __future__ import annotations

from dataclasses import asdict, replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa

from spanledger_collector.detect import lifecycle

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from spanledger_collector.detect.finding import Finding, Row

_PLACE = ("detector", "category", "status", "service", "feature", "provider", "model", "call_site")
_TIMES = ("updated", "window_start", "window_end", "first_seen", "last_seen")
_PROSE = ("title", "why", "fix", "snippet", "verify", "confidence", "money_grade")
_MONEY = ("money_usd", "overlap_usd", "decided_usd")
_DECIDED = {
    "decided_at": None, "decided_by": "", "decision_note": "", "decided_usd": None,
    "saved_usd_per_call": None, "saved_low": None, "saved_high": None,
}  # fmt: skip
SCHEMA = pa.schema(
    [pa.field(name, pa.string()) for name in ("id", *_PLACE, *_PROSE, "decided_by", "decision_note")]
    + [pa.field(name, pa.timestamp("us", tz="UTC")) for name in (*_TIMES, "decided_at")]
    + [pa.field(name, pa.decimal128(38, 18)) for name in _MONEY]
    + [pa.field(name, pa.float64()) for name in ("saved_usd_per_call", "saved_low", "saved_high")]
    + [pa.field("calls", pa.uint64()), pa.field("days", pa.uint16()), pa.field("trace_ids", pa.list_(pa.string()))]
)
_STEP = Decimal("1e-12")  # dollars; what is divided does not end


def found(finding: Finding, known: Row | None, now: datetime) -> Row:
    """The row of a finding seen now, with what people decided about it as far as that still holds."""
    told = asdict(replace(finding, claims=()))
    row = {name: value for name, value in told.items() if name not in {"place", "window", "fix", "evidence", "claims"}}
    evidence = finding.evidence
    return (
        row
        | asdict(finding.place)
        | {name: known[name] for name in _DECIDED if known}
        | {
            "id": finding.id,
            "updated": now,
            "status": lifecycle.status(known, finding, now),
            "window_start": finding.window.start,
            "window_end": finding.window.end,
            "first_seen": known["first_seen"] if known else now,
            "last_seen": now,
            "fix": finding.fix.text,
            "snippet": finding.fix.snippet,
            "calls": evidence.calls if evidence else 0,
            "days": evidence.days if evidence else 0,
            "money_usd": _stepped(finding.money_usd),
            "overlap_usd": _stepped(finding.overlap_usd),
        }
    )


def cleared(known: Row, now: datetime) -> Row:
    return known | {"status": "cleared", "updated": now}


def table(rows: Iterable[Row]) -> pa.Table:
    complete = [{name: row.get(name, _DECIDED.get(name)) for name in SCHEMA.names} for row in rows]
    return pa.Table.from_pylist(complete, SCHEMA)


def _stepped(money: Decimal | None) -> Decimal | None:
    return None if money is None else money.quantize(_STEP)
