"""D34: token counts that contradict one another. Data quality: it claims no savings."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from spanledger_collector.detect.finding import Ask, Detector, Evidence, Finding, Fix, Place, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    return (_finding(row, window) for row in ask("usage_notes"))


def _finding(row: Row, window: Window) -> Finding:
    return Finding(
        detector="D34",
        category="data_quality",
        place=Place(service=row["service"], provider=row["provider"], model=row["model"]),
        window=window,
        title=f"{row['calls']:,} calls report token counts that do not fit together",
        why=f"Written by the dialect {row['dialect']}: {row['note']}",
        fix=Fix("Update the instrumentation that sends these spans, or let Spanledger's own record the calls."),
        verify="New calls of this place carry no note about their usage.",
        confidence="high",
        trace_ids=tuple(row["trace_ids"]),
        evidence=Evidence(row["calls"], row["days"]),
    )


DETECTOR = Detector("D34", timedelta(days=7), find, min_days=1)
