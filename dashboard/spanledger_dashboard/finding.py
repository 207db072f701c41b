"""One finding as a card: what, where, how much, why, the fix and its proof, and the decision about it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

import streamlit as st

from spanledger_dashboard import cache, links, sign_in
from spanledger_dashboard.client import ApiError
from spanledger_dashboard.format import counted, estimate, label, money, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanledger_dashboard.cache import Row
    from spanledger_dashboard.filters import Selection

_NARROWED: Final = ("service", "provider", "model", "feature")
_DECISIONS: Final = {"accepted": "Accept", "fixed": "Fixed", "dismissed": "Dismiss", "open": "Open again"}
_MONTH_DAYS: Final = 30
_DAY_S: Final = 86_400


def of(chosen: Selection) -> list[Row]:
    """Findings seen in this time at these places, most money first; what nobody decided on and is gone is left out."""
    names = tuple(pair for pair in chosen.names if pair[0] in _NARROWED)
    edges = tuple(pair for pair in chosen.params() if pair[0] in ("from", "to"))
    return cache.rows("findings", (*edges, *names))


def sentence(todo: Sequence[Row], verified: Sequence[Row]) -> str:
    """What they come to, and the one to begin with."""
    proven = f" {counted(len(verified), 'fix', 'fixes')} proved their savings." if verified else ""
    if not todo:
        return f"Nothing to fix was found in this time.{proven}"
    known = [row for row in todo if row["money_usd"] is not None]
    total = sum((monthly(row) for row in known), Decimal(0))
    worth = f", worth about {money(total)} a month" if known else ""
    first = f" Begin in {quoted(_service(todo[0]))}: {quoted(todo[0]['title'], 120)}." if known else ""
    return f"{counted(len(todo), 'finding')} to look at{worth}.{first}{proven}"


def _service(row: Row) -> str:
    return str(row["service"] or row["model"] or row["provider"])


def monthly(row: Row) -> Decimal:
    """What it comes to in thirty days; only where money_usd is known."""
    days = Decimal((row["window_end"] - row["window_start"]).total_seconds()) / _DAY_S
    return Decimal(row["money_usd"]) * _MONTH_DAYS / days


def worth(row: Row) -> str:
    """The same as it is said: ≈ where it is modelled, and that none is claimed."""
    amount = row["money_usd"]
    if amount is None:
        return "none claimed"
    return (estimate if row["money_grade"] == "modelled" else money)(monthly(row))


def card(row: Row) -> None:
    """Text from spans is drawn as plain text, never as markup."""
    with st.container(border=True, key=f"finding-{row['id'][:12]}"):
        left, right = st.columns([4, 1])
        with left:
            with st.container(key=f"finding-title-{row['id'][:12]}"):
                st.text(label(row["title"], 200))
            st.text(row["why"])
            st.caption(_evidence(row))
        with right:
            _worth(row)
        actions = st.container(horizontal=True, gap="small")
        with st.expander("How to fix it", icon=":material/build:"):
            st.text(row["fix"])
            if row["snippet"]:
                st.code(row["snippet"], language="python")
            st.text(f"How to see that it worked: {row['verify']}")
        with actions:
            if behind := _behind(row):
                st.link_button("Calls", behind, icon=":material/list:", type="tertiary")
            for number, trace_id in enumerate(row["trace_ids"][:3], 1):
                st.link_button(
                    f"Trace {number}", f"trace?trace_id={trace_id}", icon=":material/account_tree:", type="tertiary"
                )
            if sign_in.only_admins("Deciding"):
                _decide(row)


def _worth(row: Row) -> None:
    if row["money_usd"] is None:
        st.text("no saving claimed")
        return
    sign = "≈ " if row["money_grade"] == "modelled" else ""
    st.metric("a month", f"{sign}{money(monthly(row))}".replace("$", r"\$"), help=row["money_grade"])
    overlap = row["overlap_usd"]
    if overlap:
        st.caption(f"{money(overlap)} more is counted by another finding".replace("$", r"\$"))


def _evidence(row: Row) -> str:
    """Where and on what grounds; names are cut and lose their markup."""
    site = "/".join(row["call_site"].split("/")[-2:])
    places = [place for place in (row["service"], row["feature"], row["model"], site) if place]
    grounds = f"{row['calls']:,} calls on {counted(row['days'], 'day')}" if row["calls"] else ""
    said = [*(f"`{label(str(place).replace('`', ''), 60)}`" for place in places), grounds]
    return " · ".join(
        part for part in [*said, f"{row['confidence']} confidence", row["detector"], row["status"]] if part
    )


def _behind(row: Row) -> str:
    """The address of the calls at a finding's place, in the UTC days it was found in."""
    days = row["window_start"].date(), row["window_end"].date()
    site = [("call_site", row["call_site"])] if row["call_site"] else []
    return links.calls(*site, days=days, **{name: row[name] for name in _NARROWED if row[name]})


def _decide(row: Row) -> None:
    with st.popover("Decide", icon=":material/gavel:"), st.form(f"decide-{row['id']}", border=False):
        options = [status for status in _DECISIONS if status != row["status"]]
        status = str(st.radio("Decision", options, format_func=_DECISIONS.__getitem__))
        by = st.text_input("Who decides", st.session_state.get("decides", sign_in.person()), max_chars=80)
        note = st.text_input("Why", max_chars=300)
        if st.form_submit_button("Save"):
            st.session_state["decides"] = by
            _save(row, status, by, note)


def _save(row: Row, status: str, by: str, note: str) -> None:
    try:
        cache.act("POST", f"/findings/{row['id']}", {"status": status, "by": by, "note": note})
    except ApiError as error:
        st.text(str(error))
    else:
        st.rerun()


def nothing() -> None:
    """Silence is a result too, with what it rests on."""
    st.text(
        "The detectors look at the calls of the last days: caches, retries, timeouts, repeats, truncation, validation. "
        "They speak once a place has at least 20 calls on two days and at least $5 or 1 % of the spend a month is at "
        "stake."
    )
