"""D36: structured output that does not fit its schema, by field; the tokens are paid for all the same."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import Calls, by_place, cost, misfits, percent, traces, validated
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Row, Window
from spanledger_collector.detect.free_text_json import is_parsed

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_FAILED: Final = 5
MIN_SHARE: Final = 0.02
CUT: Final = ("length", "max_tokens", "MAX_TOKENS")  # truncation is a finding of its own
MOST_FIELDS: Final = 3

_SNIPPET = """\
class {schema}(BaseModel):
    {field}: ... = Field(description="the exact form you want, with an example")"""


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for calls in by_place(ask("call_facts")):
        judged = [row for row in calls.rows if _is_judged(row)]
        failed = [row for row in judged if validated(row) == "failed"]
        if len(failed) >= MIN_FAILED and len(failed) >= MIN_SHARE * len(judged):
            yield _finding(calls, judged, failed, window)


def _is_judged(row: Row) -> bool:
    """Cut replies, and JSON read out of free text, are findings of their own."""
    return bool(validated(row)) and row["finish_reason"] not in CUT and not is_parsed(row)


def _finding(calls: Calls, judged: list[Row], failed: list[Row], window: Window) -> Finding:
    fields = Counter(field for row in failed for field in misfits(row))
    (worst, kind), _ = (fields or Counter([("the reply", "no JSON")])).most_common(1)[0]
    listed = ", ".join(f"{field} ({error}, {count:,})" for (field, error), count in fields.most_common(MOST_FIELDS))
    schema = failed[-1]["schema_name"] or failed[-1]["checked_schema"] or "Model"
    money, claims = calls.money(failed, "call", cost)
    return Finding(
        detector="D36",
        category="prompt",
        place=calls.place,
        window=window,
        title=f"{schema}.{worst} fails validation in {percent(len(failed), len(judged))} of the replies",
        why=(
            f"{len(failed):,} of {len(judged):,} replies did not fit {schema}: {listed or 'they were no JSON'}. "
            "They were paid for, and so is whatever is asked again because of them."
        ),
        fix=Fix(
            f"Say in the schema what {worst} must look like ({kind}), ask the provider for strict structured output, "
            "and accept harmless variants in a validator.",
            _SNIPPET.format(schema=schema, field=worst.rpartition(".")[2]),
        ),
        verify="The share of failed validations of this schema falls below 1 % within a day.",
        confidence="high",
        trace_ids=traces(failed),
        money_usd=money,
        money_grade="none" if money is None else "measured",
        evidence=calls.evidence(failed),
        claims=claims,
    )


DETECTOR = Detector("D36", timedelta(days=7), find, claims="retry")
