"""The monthly budgets of the ledger: told when most of one is spent, and when all of it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spanledger_collector.alerts.own_rules import Budget, StoredAsk
from spanledger_collector.alerts.verdict import Timing, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from spanledger_collector.alerts.record import Row
    from spanledger_collector.alerts.stored_calls import RunQuery

RULES: Final[Mapping[str, str]] = {
    "budget_warning": "known cost of the month, UTC, against 80 % of a budget",
    "budget_exceeded": "known cost of the month, UTC, against a budget",
}
_SHARES: Final = {"budget_warning": 0.8, "budget_exceeded": 1.0}
_SCOPE: Final = ("team", "feature", "model")


class BudgetBurn:
    """A rule over every budget that holds this month; they are set over the API (``PUT /api/v1/budgets``)."""

    timing = Timing()

    def __init__(self, run_query: RunQuery) -> None:
        self._run_query = run_query

    def owns(self, rule: str) -> bool:
        return rule in RULES

    def judge(self, now: datetime) -> Sequence[Verdict]:
        held = (one for name in RULES for one in budgets(self._run_query, name, now))
        found = (one.judge(StoredAsk(self._run_query, one.filters, now), now) for one in held)
        return [verdict for verdict in found if verdict.judgement == "failing"]


def budgets(run_query: RunQuery, name: str, now: datetime) -> Iterator[Budget]:
    """Those that hold in the month of ``now``, as rules of that name."""
    newest: dict[tuple[str, ...], Row] = {}
    for row in run_query("budgets", {}).to_pylist():
        if row["from_month"] <= f"{now:%Y-%m}":  # rows come by scope, oldest month first
            newest[tuple(row[part] for part in _SCOPE)] = row
    for scope, row in newest.items():
        if row["usd"]:
            filters = {part: value for part, value in zip(_SCOPE, scope, strict=True) if value}
            yield Budget(name=name, usd=float(row["usd"]), share=_SHARES[name], filters=filters)
