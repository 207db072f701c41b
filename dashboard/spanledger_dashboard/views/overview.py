"""What did we spend, why did it move, and what failed?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from spanledger_dashboard import cache, cards, charts, filters, headline, states, tables
from spanledger_dashboard.headline import Spend

if TYPE_CHECKING:
    from spanledger_dashboard.filters import Selection


def page() -> None:
    """Filters, the sentence, five figures, then spend, failures, latency and the latest calls."""
    services = cache.rows("services")
    if not services:
        states.empty(cache.pulse().status)
        return
    chosen = filters.bar()
    now, before = spend(chosen), spend(chosen.earlier) if chosen.earlier else None
    comparison = headline.compare(now, before, ledger_begins=min(row["first_seen"] for row in services))
    cards.opening(headline.sentence(now, comparison), demo=cache.pulse().demo)
    if not now.totals["calls"]:
        states.nothing_matches()
        return
    draw_figures(chosen, now, before if comparison.possible else None)
    draw_spend(chosen)
    left, right = st.columns(2)
    with left:
        draw_failures(chosen)
    with right:
        draw_latency(chosen)
    draw_latest_calls(chosen)


def spend(chosen: Selection) -> Spend:
    """What a period cost, and which models made it."""
    totals = cache.rows("totals", chosen.params())[0]
    return Spend(chosen.period, totals, cache.rows("spend_by", chosen.params(by="model")))


def draw_figures(chosen: Selection, now: Spend, before: Spend | None) -> None:
    """Five numbers, each with its base and its change."""
    latency = cache.rows("latency", chosen.params())[0]
    latency_before = cache.rows("latency", chosen.earlier.params())[0] if before and chosen.earlier else None
    then = before.totals if before else None
    cards.figures(
        [
            cards.spend(now.totals, then),
            cards.calls(now.totals, then),
            cards.failures(now.totals, then),
            cards.latency(latency, latency_before),
            cards.coverage(now.totals, then),
        ],
        before.period.said if before else None,
    )


def draw_spend(chosen: Selection) -> None:
    """When it was spent and by whom: bars and their table share one ranking and one set of colours."""
    left, right = st.columns([3, 2])
    with left, cards.card(f"Spend by {chosen.period.bucket}", "Known cost, as it was incurred.") as controls:
        by = controls.segmented_control(
            "Stacked by", ["model", "service"], default="model", required=True, key="by", bind="query-params",
            label_visibility="collapsed",
        )  # fmt: skip
        ranked = cache.rows("spend_by", chosen.params(by=by))
        shown = charts.series(ranked, cache.palette(by))
        over_time = cache.rows("spend_over_time", chosen.params(by=by, bucket=chosen.period.asked_bucket))
        drawn = charts.spend_over_time(over_time, chosen.period, shown)
        cards.clickable_chart(
            drawn, f"Spend by {by} and {chosen.period.bucket}", f"spend-{hash(chosen.names)}-{by}",
            lambda name: filters.only(by, shown.key(name)),
        )  # fmt: skip
        tables.download(over_time, f"spend-over-time-by-{by}", controls)
    with (
        right,
        cards.card(f"Spend by {by}", "Sorted by money; a key without any price is unknown, not free.") as controls,
    ):
        tables.spend_by(by, ranked)
        tables.download(ranked, f"spend-by-{by}", controls)


def draw_failures(chosen: Selection) -> None:
    """What to look at first when calls fail."""
    rows = cache.rows("failures", chosen.params())
    with cards.card("Failures", "Calls that ended in an error after all retries.") as controls:
        tables.failures(rows, chosen.period.zone)
        tables.download(rows, "failures", controls)


def draw_latency(chosen: Selection) -> None:
    """Whom users wait for."""
    rows = cache.rows("latency", chosen.params(by="model"))[:6]
    with cards.card(
        "Latency by model", "What half of the calls stay under, and what nineteen in twenty do."
    ) as controls:
        cards.chart(charts.latency(rows, cache.palette("model")), "Latency by model")
        tables.download(rows, "latency-by-model", controls)


def draw_latest_calls(chosen: Selection) -> None:
    """Proof that calls arrive, with what each cost and how well that is known."""
    rows = cache.rows("latest_calls", chosen.params(limit="50"))
    with cards.card("Latest calls", "≈ is modelled, unknown has no price or no usage: see the cost basis.") as controls:
        tables.latest_calls(rows, chosen.period.zone)
        tables.download(rows, "latest-calls", controls)
