"""A rule that says what a test tells it to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from spanledger_collector.alerts.verdict import Timing, Verdict

TIMING = Timing(timedelta(minutes=1), timedelta(minutes=5), "ada", "https://wiki.example.com/llm")
LABELS = (("model", "gpt-4.1"), ("service", "checkout"))


def verdict(judgement: str = "failing", seen: float = 10, **fields) -> Verdict:
    values = {
        "rule": "failure_spike",
        "labels": LABELS,
        "judgement": judgement,
        "calls": 20,
        "seen": seen,
        "expected": 0.2,
        "unit": "failures",
        "window_minutes": 5,
        "summary": f"{seen:.0f} of 20 calls failed",
        "basis": "a rule of the test",
    }
    return Verdict(**(values | fields))


@dataclass
class Scripted:
    """``verdicts`` of the next judgements, the last one for ever; None: it cannot judge yet."""

    verdicts: list = field(default_factory=list)
    timing: Timing = TIMING

    def owns(self, rule: str) -> bool:
        return rule == "failure_spike"

    def judge(self, now):
        return self.verdicts.pop(0) if len(self.verdicts) > 1 else self.verdicts[0]
