"""D24: one call for each item of a list, each with the same instructions again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import place
from spanledger_collector.detect.finding import Ask, Claim, Detector, Evidence, Finding, Fix, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

CHILDREN: Final = 10
MIN_SHARED: Final = 0.3  # of the prompt: tools and system text

_SNIPPET = """\
reply = client.chat.completions.parse(
    model=..., response_format=Scores,                       # one entry per item
    messages=[{"role": "system", "content": INSTRUCTIONS},
              {"role": "user", "content": json.dumps(items)}],  # twenty at a time, say
)"""


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for row in ask("fan_outs", children=[str(CHILDREN)]):
        if row["shared_part"] >= MIN_SHARED:
            yield _finding(row, window)


def _finding(row: Row, window: Window) -> Finding:
    site = row["call_site"] or row["model"]
    return Finding(
        detector="D24",
        category="cost",
        place=place(row),
        window=window,
        title=f"{row['calls_per_parent']:,.0f} calls for one request, one for each item",
        why=(
            f"{row['parents']:,} requests made {row['calls']:,} calls at {site}, up to {row['most']:,} each, with the "
            f"same instructions: {row['shared_part']:.0%} of every prompt. The money is what repeating them costs."
        ),
        fix=Fix("Send several items in one call, as many as the answers stay good for.", _SNIPPET),
        verify="Calls per request fall, and so does the cost per request; check the answers on a sample.",
        confidence="medium",
        trace_ids=tuple(row["trace_ids"]),
        money_usd=row["shared_usd"] or None,
        money_grade="modelled" if row["shared_usd"] else "none",
        evidence=Evidence(row["calls"], row["days"]),
        claims=tuple(Claim(call["1"], "input", call["2"]) for call in row["shared_calls"]),
    )


DETECTOR = Detector("D24", timedelta(days=7), find, claims="batch")
