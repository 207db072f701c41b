"""D33: calls that are told of twice: skipped, or in the ledger twice. Data quality: it claims no savings."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from spanledger_collector.detect.finding import Ask, Detector, Evidence, Finding, Fix, Place, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    return (_finding(row, window) for row in ask("double_counts"))


def _finding(row: Row, window: Window) -> Finding:
    usd = "an unknown amount" if row["cost_usd"] is None else f"${row['cost_usd']:,.2f}"
    skipped = row["kind"] == "skipped"
    title, why, fix, verify = (_skipped if skipped else _billed)(row, usd)
    return Finding(
        detector="D33",
        category="data_quality",
        place=Place(service=row["service"], provider=row["provider"], model=row["model"], call_site=_by(row)),
        window=window,
        title=title,
        why=why,
        fix=Fix(fix),
        verify=verify,
        confidence="high" if skipped else "medium",
        trace_ids=tuple(row["trace_ids"]),
        evidence=Evidence(row["calls"], row["days"]),
    )


def _by(row: Row) -> str:
    """Two emitters at one place are two findings."""
    return f"{row['kind']} {row['emitter']}".strip()


def _skipped(row: Row, usd: str) -> tuple[str, str, str, str]:
    emitter = row["emitter"] or "Another emitter"
    return (
        f"{row['calls']:,} spans that tell of a call again were skipped ({usd} not counted)",
        f"{emitter} tells of calls that are in the ledger already. They were recognised: no sum holds them twice.",
        "Nothing has to be done. One emitter for each call is less to send and to store: turn the other one off.",
        "No spans of this emitter are skipped.",
    )


def _billed(row: Row, usd: str) -> tuple[str, str, str, str]:
    return (
        f"{row['calls']:,} calls carry the id of a reply that is in the ledger already ({usd} may count twice)",
        "Every reply has an id of its own, and these came again in another span: a replay, or an unknown emitter.",
        "Find what sends these spans again, by the traces below, and turn it off.",
        "No two calls of this place share the id of their reply.",
    )


DETECTOR = Detector("D33", timedelta(days=1), find, min_days=1)
