from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from tests.support.api_rows import key, totals

from spanledger_dashboard.headline import Spend, compare, sentence
from spanledger_dashboard.period import RANGES

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=timezone.utc)
WEEK = RANGES["Last 7 days"](NOW, timezone.utc)
LONG_AGO = NOW - timedelta(days=90)


def spend(period: Any, cost: str | None, **keys: str) -> Spend:
    rows = [key(name.replace("_", "-"), cost_usd=Decimal(money)) for name, money in keys.items()]
    return Spend(period, totals(cost_usd=None if cost is None else Decimal(cost)), rows)


def said(now: Spend, before: Spend | None, begins: datetime = LONG_AGO) -> str:
    text = sentence(now, compare(now, before, begins))
    return text.replace("\u00a0", " ").replace("\u2212", "-").replace("\u2068", "").replace("\u2069", "")


def test_the_change_and_its_biggest_mover_are_named() -> None:
    now = spend(WEEK, "12", answer="9", rerank="3")
    before = spend(WEEK.before(), "10", answer="5", rerank="5")
    assert said(now, before) == (
        "Spend is $12.00 in the last 7 days, up $2.00 (+20 %) on the 7 days before; answer moved most, up $4.00."
    )


def test_a_key_that_is_gone_can_have_moved_most() -> None:
    now, before = spend(WEEK, "1", answer="1"), spend(WEEK.before(), "9", answer="1", gone="8")
    assert said(now, before).endswith("down $8.00 (-89 %) on the 7 days before; gone moved most, down $8.00.")


def test_without_history_no_change_is_claimed() -> None:
    now, before = spend(WEEK, "1"), spend(WEEK.before(), "1")
    text = said(now, before, begins=NOW - timedelta(days=3))
    assert text.endswith("; not enough history to compare, the ledger begins Nov 20, 09:30:00 UTC.")


def test_periods_priced_differently_are_not_compared_and_the_key_without_price_is_named() -> None:
    now, before = spend(WEEK, "1", answer="1"), spend(WEEK.before(), "1")
    now.totals["coverage"] = 0.9
    now.by_key[0]["unpriced_calls"] = 12
    assert said(now, before).endswith(
        "; not comparable with the 7 days before: 90.0 % of calls have a known price, 100 % had one then; "
        "12 of those without are answer."
    )
    comparison = compare(now, before, LONG_AGO)
    assert (comparison.calls, comparison.money) == (True, False)


def test_nothing_before_is_not_a_percentage() -> None:
    now, before = spend(WEEK, "1", answer="1"), spend(WEEK.before(), "0")
    assert ", up $1.00 from nothing on the 7 days before; answer moved most" in said(now, before)


def test_a_period_without_calls_before_is_said() -> None:
    before = spend(WEEK.before(), "0")
    before.totals["calls"] = 0
    assert said(spend(WEEK, "1"), before).endswith("; there were no calls in the 7 days before.")


def test_unknown_prices_are_not_a_spend() -> None:
    assert said(spend(WEEK, None), spend(WEEK.before(), "1")) == "3 calls in the last 7 days, none with a known price."


def test_without_a_comparison_only_the_spend_is_said() -> None:
    assert said(spend(WEEK, "1"), None) == "Spend is $1.00 in the last 7 days."


def test_a_hostile_mover_stays_on_its_line() -> None:
    now, before = spend(WEEK, "1"), spend(WEEK.before(), "0")
    now = Spend(now.period, now.totals, [key("\u202eevil\n# head" + "x" * 10_000, cost_usd=Decimal(1))])
    assert len(said(now, before)) < 200
    assert "\n" not in said(now, before)
