"""What a cost review asks of a period: how far the total holds, what a call costs, what was wasted, and whose it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from spanledger_dashboard import cards, course, links, listing, tables
from spanledger_dashboard.explorer import signed
from spanledger_dashboard.format import count, counted, estimate, exact_money, money, share
from spanledger_dashboard.reviewed import behind

if TYPE_CHECKING:
    from collections.abc import Mapping

    Told = Mapping[str, Any]

GRADES: Final = ("measured", "provider", "modelled", "unknown")
SHOWN_BY: Final = ("team", "feature", "model")


def figures(told: Told) -> None:
    """Spend, where it will land, a call's cost, what nobody owns, how far the sum holds."""
    now, then = told["totals"]["now"], told["totals"]["before"]
    comparable = then["calls"] and not told["bridge"]["suppressed"]
    unit, before = told["unit_costs"]["now"]["success"], told["unit_costs"]["before"]["success"]
    change = cards.money_change(unit, before) if comparable else None
    nobody = told["unallocated"]["team"]["now"]
    shown = [
        cards.spend(now, then if comparable else None, behind(told, links.UNPRICED)),
        _landing(told["forecast"]["period"]),
        cards.Figure(
            "Known cost per answer", money(unit), "failures included", change, f"Exactly {exact_money(unit)}."
        ),
        cards.Figure(
            "Of no team",
            share(nobody["share"]),
            f"{money(nobody['cost_usd'])} of known cost",
            None,
            "",
            behind(told, team=""),
        ),
        cards.coverage(now, then if then["calls"] else None),
    ]
    cards.figures(shown, told["against"]["name"])


def _landing(ahead: Told | None) -> cards.Figure:
    if ahead is None:
        return cards.Figure("Expected at the end", "unknown", "no known spend yet", None, "")
    if ahead["method"] == "closed":
        return cards.Figure("Came to", money(ahead["spent_usd"]), "the period is over", None, "")
    left = f"{counted(ahead['days_left'], 'day')} left, {ahead['method']}"
    return cards.Figure("Expected at the end", f"≈ {money(ahead['p50_usd'])}", left, None, _plain(ahead))


def _plain(ahead: Told) -> str:
    return course.expected(ahead).replace("\\", "")


def coverage(told: Told) -> None:
    """Calls and known money by how well their cost is known, of both periods."""
    grades = told["coverage"]["now"]["grades"]
    rows = [
        {"grade": name, "see": behind(told, ("cost_grade", name)), **grades[name]} for name in GRADES if name in grades
    ]
    with cards.card("How far the total can be trusted", "Modelled is an estimate; unknown is in no sum.") as controls:
        known = {"Calls": ("calls", count), "Known cost": ("cost_usd", money)}
        listing.draw(rows, {"Grade": ("grade", "text")} | known | listing.SEE)
        st.text(told["coverage"]["said"])
        tables.download(rows, "cost-coverage", controls)


def waste(told: Told) -> None:
    """By what went wrong."""
    why = "A call is in the first kind that fits; most refusals cost nothing."
    with cards.card("Calls that went wrong", why) as controls:
        if not told["waste"]:
            st.markdown(":material/check_circle: No call went wrong in this view.")
            return
        fields = {"What": ("kind", "text"), "Calls": ("calls", count), "Priced": ("priced_calls", count)}
        rows = [row | {"see": _wrong(told, row["kind"])} for row in told["waste"]]
        listing.draw(rows, fields | {"Paid": ("cost_usd", money)} | listing.SEE)
        tables.download(told["waste"], "waste", controls)


def _wrong(told: Told, kind: str) -> str:
    """The address of calls of a kind that their own columns tell; of others there is none."""
    if kind == "retried":
        return behind(told, links.RETRIED, ("outcome", "ok"))
    outcome = {"failed": "error", "truncated": "truncated", "abandoned": "abandoned", "cancelled": "cancelled"}.get(
        kind
    )
    invalid = ("spanledger.validation.outcome", "failed") if kind == "invalid" else None
    term = ("outcome", outcome) if outcome else invalid
    return behind(told, term) if term else ""


def response_cache(told: Told) -> None:
    """Money not spent, which is an estimate; its replies name no team."""
    rows = told["response_cache"]
    why = "Nobody was paid for these replies. ≈ is modelled: the tokens spared at what the model's other calls cost."
    with cards.card("Not spent: response cache", why) as controls:
        if rows is None:
            st.markdown("Replies out of a response cache name no team: choose all teams to see them.")
        elif not rows:
            st.markdown("No reply came out of a response cache that tells of it.")
        else:
            names = {"Service": ("service", "text"), "Feature": ("feature", "text"), "Model": ("model", "text")}
            known = {
                "Replies": ("hits", count),
                "Tokens known of": ("counted_hits", count),
                "Not spent": ("saved_usd", estimate),
            }
            listing.draw(rows, names | known)
            tables.download(rows, "response-cache", controls)


def fallbacks(told: Told) -> None:
    """Which model answered in place of which, and what was done without a reply."""
    why = (
        "Calls that stood in for a failed call to another model, and what the application says it did without a reply."
    )
    with cards.card("Fallbacks", why) as controls:
        if not told["fallbacks"]:
            st.markdown("No call of this view is known to have stood in for another.")
            return
        rows = [row | {"how": "said" if row["said"] else "called"} for row in told["fallbacks"]]
        names = {"Service": ("service", "text"), "Instead of": ("from_model", "text"), "Came": ("to_model", "text")}
        known = {"How": ("how", "text"), "Calls": ("calls", count), "Paid": ("cost_usd", money)}
        listing.draw(rows, names | known)
        tables.download(rows, "fallbacks", controls)


def showback(told: Told) -> None:
    """Whose cost it is, beside the other period; what carries no name is a row of its own."""
    with cards.card("Showback", "Known cost by who caused it; what no call names is a row of its own.") as controls:
        by = controls.segmented_control(
            "By",
            SHOWN_BY,
            default="team",
            required=True,
            key="shown-by",
            bind="query-params",
            label_visibility="collapsed",
        )
        rows = [_shown(row) | {"see": behind(told, **{by: row["key"]})} for row in told["showback"][by]]
        names = {
            str(by).capitalize(): ("name", "text"),
            "Calls": ("calls", count),
            "Unpriced": ("unpriced_calls", count),
        }
        change = {"Before": ("previous_cost_usd", money), "Change": ("change", signed)}
        paid = {"Spend": ("cost_usd", money)}
        listing.draw(rows, names | {"Share": ("share", share)} | change | paid | listing.SEE, most_rows=8)
        tables.download(rows, f"showback-by-{by}", controls)


def _shown(row: Told) -> dict[str, Any]:
    now, then = row["cost_usd"], row["previous_cost_usd"]
    return {"name": row["key"], **row, "change": now - then if now is not None and then is not None else None}


def unit_costs(told: Told) -> None:
    """What a request, an answer, a user and a million tokens cost, beside the other period."""
    now, then = told["unit_costs"]["now"], told["unit_costs"]["before"]
    flat = {"request": "request", "success": "answer", "user": "user"}
    rows = [{"unit": said, "now": now[name], "before": then[name]} for name, said in flat.items()]
    rows += [
        {"unit": f"million tokens, {name}", "now": usd, "before": then["per_million"].get(name)}
        for name, usd in now["per_million"].items()
    ]
    with cards.card("What a unit costs", "Known cost by its units; unknown prices are in neither.") as controls:
        names = {"Per": ("unit", "text"), told["against"]["name"]: ("before", money)}
        listing.draw(rows, names | {told["period"]["name"]: ("now", money)})
        tables.download(rows, "unit-costs", controls)


def restatements(told: Told) -> None:
    """Days whose prices were corrected after they were told."""
    days = told["restatements"]["days"]
    if not days:
        return
    with cards.card(
        "Restated", "Days of these periods that were priced again; sums here use the new prices."
    ) as controls:
        shown = [row | {"date": row["day"][:10]} for row in days]
        texts = {"Day": ("date", "text"), "Reason": ("reason", "wide"), "Prices": ("price_book", "text")}
        sums = {"Before": ("cost_before_usd", money), "After": ("cost_after_usd", money)}
        calls = {"Calls changed": ("changed_calls", count)}
        listing.draw(shown, texts | calls | sums | {"Change": ("difference_usd", signed)})
        tables.download(days, "restatements", controls)
