"""Cards that ask the ledger: one query, one chart or table, one download. Pages put them together."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

import streamlit as st

from spanledger_dashboard import cache, cards, charts, deploys, filters, links, tables
from spanledger_dashboard.explorer import signed
from spanledger_dashboard.format import counted
from spanledger_dashboard.headline import Spend

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from spanledger_dashboard.charts import Series
    from spanledger_dashboard.client import Params
    from spanledger_dashboard.filters import Selection
    from spanledger_dashboard.headline import Comparison

_MOST_BARS: Final = 6
_LATEST: Final = 50


def spend_of(chosen: Selection) -> Spend:
    """What a period cost, and which models made it."""
    totals = cache.rows("totals", chosen.params())[0]
    return Spend(chosen.period, totals, cache.rows("spend_by", chosen.params(by="model")))


def restated(chosen: Selection) -> None:
    """That days of this time were priced again after they were told, and by how much in all; nothing where none was."""
    restated_in(tuple(pair for pair in chosen.params() if pair[0] in ("from", "to")))


def restated_in(edges: Params) -> None:
    """The same of the time between two edges."""
    rows = cache.rows("restatements", edges)
    if not rows:
        return
    days = counted(len({row["day"] for row in rows}), "day")
    by = signed(sum((row["difference_usd"] for row in rows), Decimal(0))).replace("$", r"\$").replace("+", r"\+")
    said = f"{days} of this time {'was' if days.startswith('1 ') else 'were'} priced again since, {by} in all."
    st.caption(f":material/history: Restated: {said} The page Cost review lists them.")


def figures(chosen: Selection, now: Spend, before: Spend | None, comparison: Comparison) -> None:
    """Five numbers, each with its base, and with its change where one may be named."""
    latency = cache.rows("latency", chosen.params())[0]
    then, latency_then = None, None
    if before and chosen.earlier and comparison.calls:
        then, latency_then = before.totals, cache.rows("latency", chosen.earlier.params())[0]
    shown = [
        cards.spend(now.totals, then if comparison.money else None, links.calls(links.UNPRICED)),
        cards.calls(now.totals, then, links.calls()),
        cards.failures(now.totals, then, links.calls(links.FAILED)),
        cards.latency(latency, latency_then),
        cards.coverage(now.totals, then),
    ]
    cards.figures(shown, chosen.earlier.period.said if chosen.earlier else "")


def spend(chosen: Selection) -> None:
    """When it was spent and by whom: bars and their table share one ranking and one set of colours."""
    left, right = st.columns([3, 2])
    with left, cards.card(f"Spend by {chosen.period.bucket}", "Known cost, as it was incurred.") as controls:
        by = _stacked_by(controls)
        ranked = cache.rows("spend_by", chosen.params(by=by))
        _spend_over_time(chosen, by, charts.series(ranked, cache.palette(by)), controls)
    why = "Sorted by money; without any price it is unknown, not free."
    with right, cards.card(f"Spend by {by}", why) as controls:
        tables.spend_by(by, ranked)
        tables.download(ranked, f"spend-by-{by}", controls)


def _stacked_by(place: DeltaGenerator) -> str:
    choices, name = ["model", "service"], "Stacked by"
    return place.segmented_control(
        name, choices, default="model", required=True, key="by", bind="query-params", label_visibility="collapsed"
    )


def _spend_over_time(chosen: Selection, by: str, shown: Series, place: DeltaGenerator) -> None:
    rows = cache.rows("spend_over_time", chosen.params(by=by, bucket=chosen.period.asked_bucket))
    marks = deploys.on_bars(cache.rows("deploys", chosen.params()), chosen.period)
    drawn = charts.spend_over_time(rows, chosen.period, shown, marks)
    # A key of its own for each choice: what was clicked in one view is not still chosen in the next.
    key = f"spend-by-{by}-{hash(chosen.names)}"
    text = f"Spend by {by} and {chosen.period.bucket}"
    cards.clickable_chart(drawn, text, key, pick=lambda name: filters.only(by, shown.key(name)))
    tables.download(rows, f"spend-over-time-by-{by}", place)


def failures(chosen: Selection) -> None:
    """What to look at first when calls fail."""
    rows = cache.rows("failures", chosen.params())
    with cards.card("Failures", "Calls that ended in an error after all retries.") as controls:
        if not rows:
            st.markdown(":material/check_circle: No call failed in this view.")
            return
        tables.failures(rows, chosen.period.zone)
        tables.download(rows, "failures", controls)


def latency(chosen: Selection, models: Series) -> None:
    """Whom users wait for."""
    rows = cache.rows("latency", chosen.params(by="model"))
    why = "What half of the answered calls stay under, and what 95 of 100 do; batch calls aside."
    with cards.card("Latency by model", why) as controls:
        if not rows:
            st.markdown("No call of this view was answered, batch calls aside, so there is nothing to time.")
            return
        cards.chart(charts.latency(rows[:_MOST_BARS], models), "Latency by model")
        tables.download(rows, "latency-by-model", controls)


def latest_calls(chosen: Selection) -> None:
    """Proof that calls arrive, with what each cost and how well that is known."""
    rows = cache.rows("latest_calls", chosen.params(limit=str(_LATEST)))
    why = "≈ is modelled from other calls; unknown has no price or no usage, the cost basis says which."
    with cards.card("Latest calls", why) as controls:
        tables.latest_calls(rows, chosen.period.zone)
        tables.download(rows, "latest-calls", controls)
