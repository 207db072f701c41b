"""D32: streamed replies whose tokens nobody told. Data quality: it claims no savings."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import Calls, by_place, percent, traces
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_CALLS: Final = 5

_SNIPPET = """\
client.chat.completions.create(..., stream=True, stream_options={"include_usage": True})
# its last chunk has no choices: read chunk.choices[0] only `if chunk.choices`"""


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for calls in by_place(ask("call_facts")):
        untold = [row for row in calls.rows if row["stream"] and row["outcome"] == "ok" and row["input_tokens"] is None]
        if len(untold) >= MIN_CALLS:
            yield _finding(calls, untold, window)


def _finding(calls: Calls, untold: list[Row], window: Window) -> Finding:
    chars = sum(row["input_chars"] + row["output_chars"] for row in untold)
    return Finding(
        detector="D32",
        category="data_quality",
        place=calls.place,
        window=window,
        title=f"{percent(len(untold), len(calls.rows))} of the calls stream without their token counts",
        why=(
            f"{len(untold):,} streamed replies ended without usage: the provider sends it only when asked. They moved "
            f"{chars:,} characters; what they cost is unknown and in no total."
        ),
        fix=Fix(
            "Ask for usage in the stream, or let the library ask for it and keep the extra chunk from the application.",
            _SNIPPET,
        ),
        verify="Calls of this place have a cost, and coverage on the overview rises.",
        confidence="high",
        trace_ids=traces(untold),
        evidence=calls.evidence(untold),
    )


DETECTOR = Detector("D32", timedelta(days=7), find, min_days=1)
