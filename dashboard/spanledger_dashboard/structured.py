"""Replies that were to follow a schema and did not: by schema, by field, and what they cost."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import streamlit as st

from spanledger_dashboard import bars, cards, links, listing, tables
from spanledger_dashboard.format import count, counted, exact_money, money, quoted, share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanledger_dashboard.cache import Row

_MOST_FIELDS: Final = 10


def total(rows: Sequence[Row], name: str) -> int:
    return sum(row[name] for row in rows)


def lost(rows: Sequence[Row]) -> Decimal | None:
    """What is known to have been paid for failed replies; None where some failed and nothing is known."""
    known = [row["cost_usd"] for row in rows if row["cost_usd"] is not None]
    return sum(known, Decimal(0)) if known or not total(rows, "failures") else None


def fields(rows: Sequence[Row]) -> list[tuple[str, int]]:
    """Fields that failed, as schema and name, most often first."""
    counts: Counter[str] = Counter()
    for row in rows:
        for name, calls in zip(row["fields"], row["field_calls"], strict=True):
            counts[f"{row['schema']}.{name}" if row["schema"] else name] += calls
    return counts.most_common(_MOST_FIELDS)


def sentence(rows: Sequence[Row], said: str) -> str:
    """How many replies failed their schema, what they cost, and the field named most."""
    if not rows:
        return f"No reply was checked against a schema {said}."
    calls, failed = total(rows, "calls"), total(rows, "failures")
    if not failed:
        return f"All {counted(calls, 'reply', 'replies')} that were checked {said} followed their schema."
    unpriced = failed - total(rows, "priced_failures")
    rest = (
        f" plus {counted(unpriced, 'reply', 'replies')} of unknown price" if unpriced and lost(rows) is not None else ""
    )
    cut = total(rows, "truncated_failures")
    named = fields(rows)
    most = f"; {quoted(named[0][0])} was named most" if named else ""
    cost = f"at a cost of {money(lost(rows))}" if lost(rows) is not None else "at an unknown cost"
    return (
        f"{counted(failed, 'reply', 'replies')} of {count(calls)} ({share(failed / calls)}) failed their schema "
        f"{said}, {cost}{rest}; {counted(cut, 'was', 'were')} cut short{most}."
    )


def figures(rows: Sequence[Row], then: Sequence[Row], against: str) -> None:
    """Checked, failed, lost, cut short."""
    change = cards.money_change(lost(rows), lost(then)) if then else None
    calls, failed, cut = (total(rows, name) for name in ("calls", "failures", "truncated"))
    unpriced = failed - total(rows, "priced_failures")
    base = f"+ {counted(unpriced, 'reply', 'replies')} of unknown price" if unpriced else "every failed reply is priced"
    shown = [
        cards.Figure(
            "Failed validation", share(failed / calls), f"{count(failed)} of {count(calls)} replies", None, ""
        ),
        cards.Figure("Paid for failed replies", money(lost(rows)), base, change, f"Exactly {exact_money(lost(rows))}."),
        cards.Figure("Cut short", count(cut), f"{count(total(rows, 'truncated_failures'))} of them failed", None, ""),
        cards.Figure(
            "Schemas", count(len({row["schema"] for row in rows})), "that replies were checked against", None, ""
        ),
    ]
    cards.figures(shown, against)


def by_field(rows: Sequence[Row]) -> None:
    """Which fields are named by errors of validation."""
    named = fields(rows)
    why = "How often errors of validation named each; the names only, never values."
    with cards.card("Fields that fail", why) as controls:
        if not named:
            st.markdown(":material/check_circle: No field was named by an error of validation in this view.")
            return
        shown = [(name, float(calls), f"{calls:,} times") for name, calls in named]
        cards.chart(bars.ranked(shown, "errors that named it"), "Fields by failures of validation")
        tables.download([{"field": name, "errors": calls} for name, calls in named], "fields-that-fail", controls)


def by_schema(rows: Sequence[Row]) -> None:
    """Where replies fail, most money first."""
    with cards.card("By schema", "Cost is what is known to have been paid for failed replies.") as controls:
        shown = [row | {"share": row["failures"] / row["calls"], "lost": lost([row])} for row in rows]
        names = {"Schema": ("schema", "text"), "Service": ("service", "text"), "Model": ("model", "text")}
        counts = {"Replies": ("calls", count), "Failed": ("failures", count), "Share": ("share", share)}
        rest = {"Cut short": ("truncated", count), "Trace": ("trace_ids", "trace"), "Paid": ("lost", money)}
        listing.draw([row | {"see": _behind(row)} for row in shown], names | counts | rest | listing.SEE)
        tables.download(rows, "validations", controls)


def _behind(row: Row) -> str:
    """The address of the calls that were checked against a schema: of those that failed, where any did."""
    schema = [("spanledger.validation.schema", row["schema"])] if row["schema"] else []
    failed = [("spanledger.validation.outcome", "failed")] if row["failures"] else []
    return links.calls(*schema, *failed, service=row["service"], model=row["model"])
