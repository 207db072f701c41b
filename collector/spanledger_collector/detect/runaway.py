"""D25: a trace that calls far more often than any other of its service: an agent that does not stop."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Place, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

_SNIPPET = """\
for turn in range(MOST_TURNS):
    ...
else:
    raise AgentGaveUp(f"no answer after {MOST_TURNS} turns")"""


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    worst: dict[str, list[Row]] = {}
    for row in ask("big_traces"):
        worst.setdefault(row["service"], []).append(row)
    return (_finding(rows, window) for rows in worst.values())


def _finding(rows: list[Row], window: Window) -> Finding:
    first = rows[0]
    known = [row["cost_usd"] for row in rows if row["cost_usd"] is not None]
    # A usual trace's worth of calls is no waste; the rest is what running away cost.
    money = sum(
        row["cost_usd"] * (row["calls"] - row["usual_calls"]) / row["calls"]
        for row in rows
        if row["cost_usd"] is not None
    )
    others = "" if len(rows) == 1 else f" {len(rows) - 1:,} more traces did the like."
    return Finding(
        detector="D25",
        category="cost",
        place=Place(service=first["service"]),
        window=window,
        title=f"{first['calls']:,} calls in one trace, where 99 of 100 have at most {first['usual_calls']:,}",
        why=(
            f"The trace that began {first['start']:%d %b %H:%M} UTC called {first['model']} again and again"
            f"{' at ' + first['call_site'] if first['call_site'] else ''}.{others}"
        ),
        fix=Fix("Bound the turns, and the money, that one run may take; stop on a repeated tool call.", _SNIPPET),
        verify="No trace of this service has more than three times the usual calls.",
        confidence="high",
        trace_ids=tuple(row["trace_id"] for row in rows[:3]),
        money_usd=money if known else None,
        money_grade="modelled" if known else "none",
    )


DETECTOR = Detector("D25", timedelta(days=1), find, claims="duplicate", min_days=1)
