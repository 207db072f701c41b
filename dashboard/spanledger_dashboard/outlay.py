"""What a cost review asks of a period: how far the total holds, what a call costs, what was wasted, which budgets."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import streamlit as st

from spanledger_dashboard import cache, cards, listing, tables
from spanledger_dashboard.format import count, counted, money, percent, share
from spanledger_dashboard.period import midnight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanledger_dashboard.cache import Row
    from spanledger_dashboard.filters import Selection

_SCOPE: Final = ("team", "feature", "model")


def wasted(rows: Sequence[Row]) -> str:
    """What is known to have been paid for calls that went wrong, as a sentence; empty where none did."""
    if not rows:
        return ""
    known = [row["cost_usd"] for row in rows if row["cost_usd"] is not None]
    calls = counted(sum(row["calls"] for row in rows), "call")
    unpriced = sum(row["calls"] - row["priced_calls"] for row in rows)
    rest = f" ({count(unpriced)} of them of unknown price)" if unpriced and known else ""
    paid = money(sum(known, Decimal(0))) if known else "An unknown amount"
    return f" {paid} went to {calls} that went wrong{rest}."


def coverage(chosen: Selection) -> None:
    """Calls and known money by how well their cost is known."""
    rows = cache.rows("cost_coverage", chosen.params())
    with cards.card("How far the total can be trusted", "Modelled is an estimate; unknown is in no sum.") as controls:
        fields = {"Grade": ("grade", "text"), "Calls": ("calls", count), "Of calls": ("calls_share", share)}
        listing.draw(rows, fields | {"Of money": ("money_share", share), "Known cost": ("cost_usd", money)})
        tables.download(rows, "cost-coverage", controls)


def waste(rows: Sequence[Row]) -> None:
    """By what went wrong."""
    with cards.card(
        "Calls that went wrong", "A call is in the first kind that fits; most refusals cost nothing."
    ) as controls:
        if not rows:
            st.markdown(":material/check_circle: No call went wrong in this view.")
            return
        fields = {"What": ("kind", "text"), "Calls": ("calls", count), "Priced": ("priced_calls", count)}
        listing.draw(rows, fields | {"Paid": ("cost_usd", money)})
        tables.download(rows, "waste", controls)


def unit_costs(chosen: Selection, now: Row, before: Row | None) -> None:
    """What a priced call costs, and a million tokens of all that was read and written."""
    mean, then = _mean(chosen), _mean(chosen.earlier) if chosen.earlier and before else None
    change = f"{percent(mean / then - 1)} on {chosen.earlier.period.said}" if mean and then and chosen.earlier else ""
    priced = now["calls"] - now["unpriced_calls"]
    each = Decimal(str(mean)) if mean is not None else None
    succeeded = now["calls"] - now["failures"]
    per_answer = now["cost_usd"] / succeeded if now["cost_usd"] is not None and succeeded and priced else None
    shown = [
        cards.Figure("Cost per priced call", money(each), change or f"of {counted(priced, 'call')}", None, "Mean."),
        cards.Figure(
            "Known cost per answered call",
            money(per_answer),
            f"{count(succeeded)} answered; unknown prices left out",
            None,
            "Known cost, failures included, by the calls that were answered.",
        ),
        cards.coverage(now, None),
    ]
    cards.figures(shown, "")


def _mean(chosen: Selection) -> float | None:
    rows = cache.rows("unit_cost", chosen.params())
    return rows[0]["mean_usd"] if rows else None


def budgets(chosen: Selection) -> None:
    """What this month spent beside each budget in force, whatever the time chosen above."""
    now = chosen.period.now.astimezone(timezone.utc)
    rows = [_burn(row, now) for row in _in_force(cache.rows("budgets"), f"{now:%Y-%m}")]
    why = f"{now:%B %Y} so far, in UTC, of every service; set with spanledger budgets."
    with cards.card("Budgets", why) as controls:
        if not rows:
            st.markdown("No budget is in force this month. Set one with `spanledger budgets`.")
            return
        fields = {"Scope": ("scope", "text"), "Used": ("used", share), "Spent": ("spent", money)}
        listing.draw(rows, fields | {"Unpriced calls": ("unpriced", count), "Budget": ("usd", money)})
        tables.download(rows, "budgets", controls)


def _in_force(rows: Sequence[Row], month: str) -> list[Row]:
    """The newest line of each scope that has begun; one without an amount ends a budget."""
    newest = {tuple(row[name] for name in _SCOPE): row for row in rows if row["from_month"] <= month}
    return [row for row in newest.values() if row["usd"] is not None]


def _burn(row: Row, now: datetime) -> Row:
    start = midnight(now.date().replace(day=1), timezone.utc)
    edges = (("from", start.isoformat()), ("to", (now + timedelta(hours=1)).replace(minute=0, second=0).isoformat()))
    scope = tuple((name, row[name]) for name in _SCOPE if row[name])
    totals = cache.rows("totals", (*edges, *scope))[0]
    used = float(totals["cost_usd"] / row["usd"]) if totals["cost_usd"] is not None and row["usd"] else None
    said = ", ".join(f"{name} {value}" for name, value in scope) or "everything"
    return {
        "scope": said,
        "used": used,
        "spent": totals["cost_usd"],
        "unpriced": totals["unpriced_calls"],
        "usd": row["usd"],
    }


def pack() -> None:
    """How to get the document: bridge, forecast and appendix are made by the review."""
    with st.expander("The pack for the meeting: variance bridge, forecast, every assumption", icon=":material/print:"):
        st.markdown("One printable file, as HTML, PDF, Markdown, CSV or a message:")
        st.code("spanledger review --help", language="bash")
