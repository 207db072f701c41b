"""D31: models whose tokens were counted and whose price is not known. Data quality: it claims no savings."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Place, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator


_SNIPPET = """\
[[price]]
provider = {provider}
model = {model}
input = "?"   # US dollars per million tokens
output = "?"
"""


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    return (_finding(row, window) for row in ask("unpriced"))


def _finding(row: Row, window: Window) -> Finding:
    model, provider = row["model"] or "(no model name)", row["provider"] or "(no provider name)"
    tokens = row["input_tokens"] + row["output_tokens"]
    return Finding(
        detector="D31",
        category="data_quality",
        place=Place(provider=row["provider"], model=row["model"]),
        window=window,
        title=f"{tokens:,} tokens of {model} have no known cost",
        why=_why(row, provider),
        fix=_fix(row),
        verify="New calls of this model show a cost, and coverage on the overview rises.",
        confidence="high",
        trace_ids=tuple(row["trace_ids"]),
    )


def _why(row: Row, provider: str) -> str:
    reason = f" The price book says: {row['reason']}." if row["reason"] else ""
    calls = "1 call" if row["calls"] == 1 else f"{row['calls']:,} calls"
    return (
        f"{calls} to {provider} from {', '.join(row['services'])} used {row['input_tokens']:,} input "
        f"and {row['output_tokens']:,} output tokens; no price is known for them, so no total includes them.{reason}"
    )


def _fix(row: Row) -> Fix:
    listed_by = row["price"].partition("/")[0] or row["provider"] or "*"  # the price book's name for the provider
    return Fix(
        "Put the model's rates into a price file (the question marks are refused until they are numbers) and start the "
        "collector with --prices FILE.",
        _SNIPPET.format(provider=json.dumps(listed_by), model=json.dumps(row["model"])),
    )


DETECTOR = Detector("D31", timedelta(days=30), find)
