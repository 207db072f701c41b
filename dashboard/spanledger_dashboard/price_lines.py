"""Prices: the lines that calls were priced by, lines of one's own, and what pricing past days again would change."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import streamlit as st

from spanledger_dashboard import cache, cards, links, listing, responding, reviewed, sign_in, tables
from spanledger_dashboard.client import ApiError
from spanledger_dashboard.explorer import signed
from spanledger_dashboard.format import count, counted, label, money

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spanledger_dashboard.cache import Row
    from spanledger_dashboard.filters import Selection

PARTS: Final = {"input": "Input", "cache_read": "Cache read", "cache_write": "Cache write", "output": "Output"}
_RATES: Final = ("input", "cache_read", "output")
_MILLION: Final = 10**6
_DONE: Final = "repriced"
_UNUSED: Final = "not used"


def beside(models: Sequence[Row], earlier: Selection | None) -> list[Row]:
    """Models with what they cost in the period compared with; None where that is unknown or there was none."""
    rows = cache.rows("spend_by", earlier.params(by="model")) if earlier else []
    costs = {row["key"]: row["cost_usd"] for row in rows}
    # Of a model without a call in the other period the cost is known: it was nothing.
    none = Decimal(0) if earlier else None
    return [row | _change(row["cost_usd"], costs.get(row["key"], none)) for row in models]


def _change(now: Decimal | None, then: Decimal | None) -> Row:
    return {"before_usd": then, "change_usd": None if now is None or then is None else now - then}


def in_force(chosen: Selection) -> None:
    """What a million tokens of each part came to, by the line that priced them."""
    rows = rates(cache.rows("cost_parts", chosen.params()))
    why = "US dollars for a million tokens, as calls in this time were charged; by the line that priced them."
    with cards.card("Price lines in force", why) as controls:
        names = {"Model": ("model", "text"), "Line": ("price", "wide")}
        listing.draw(
            [row | {"see": links.calls(model=row["model"])} for row in rows],
            names
            | {said: (part, _rate) for part, said in PARTS.items()}
            | {"Spend": ("cost_usd", money)}
            | listing.SEE,
            missing=_UNUSED,
        )
        tables.download(rows, "price-lines-in-force", controls)


def rates(parts: Sequence[Row]) -> list[Row]:
    """Of rows by part: one for each model and line, most money first; None where a line charged no such tokens."""
    sums: dict[tuple[str, str], dict[str, tuple[Decimal, int]]] = defaultdict(dict)
    for row in parts:
        found = sums[row["model"], row["price"]]
        cost, tokens = found.get(row["part"], (Decimal(0), 0))
        found[row["part"]] = cost + row["cost_usd"], tokens + row["tokens"]
    rows = [{"model": model, "price": price, **_rates(found)} for (model, price), found in sums.items()]
    return sorted(rows, key=lambda row: -row["cost_usd"])


def _rates(found: Mapping[str, tuple[Decimal, int]]) -> Row:
    told = {part: found.get(part, (Decimal(0), 0)) for part in PARTS}
    each = {part: cost * _MILLION / tokens if tokens else None for part, (cost, tokens) in told.items()}
    return {**each, "cost_usd": sum((cost for cost, _ in found.values()), Decimal(0))}


def _rate(usd: Decimal | None) -> str:
    return _UNUSED if usd is None else money(usd)


def own() -> None:
    """Lines given over the API, and who may, gives and takes back."""
    rows = cache.rows("price_lines")
    with cards.card(
        "Your own price lines", "They go before the price book, for calls priced from then on."
    ) as controls:
        if rows:
            shown = [row | {"line": json.dumps(json.loads(row["line"]), ensure_ascii=False)} for row in rows]
            listing.draw(shown, {"Name": ("id", "text"), "Since": ("updated", "time"), "Line": ("line", "wide")})
            tables.download(rows, "price-lines", controls)
        else:
            st.markdown("None was given over the API; a price file of the collector may hold others.")
        if sign_in.only_admins("Changing prices"):
            with st.container(horizontal=True, gap="small"):
                _add()
                _remove([row["id"] for row in rows])
    _repricing()


def _add() -> None:
    with st.popover("Add or replace a line", icon=":material/sell:"), st.form("price-line", border=False):
        name = st.text_input("Name of the line", placeholder="contract-2026", max_chars=80).strip()
        texts = {
            "provider": st.text_input("Provider", placeholder="openai"),
            "model": st.text_input("Model, * matches any text", placeholder="gpt-4.1*"),
            "discount": st.text_input("Discount, a share such as 0.15; or rates below"),
            **{rate: st.text_input(f"{PARTS[rate]}, US dollars for a million tokens") for rate in _RATES},
            "from": st.text_input("From the UTC day", placeholder="2026-11-01"),
            "source": st.text_input("Source", placeholder="order form 4711"),
        }
        if st.form_submit_button("Save", type="primary"):
            line = {key: text.strip() for key, text in texts.items() if text.strip()}
            responding.done(lambda: cache.act("PUT", f"/prices/lines/{quote(name, safe='')}", line))


def _remove(names: list[str]) -> None:
    if not names:
        return
    with st.popover("Take a line back", icon=":material/delete:"), st.form("remove-line", border=False):
        name = str(st.selectbox("Line", names))
        if st.form_submit_button("Take it back", type="primary"):
            responding.done(lambda: cache.act("DELETE", f"/prices/lines/{quote(name, safe='')}"))


def _repricing() -> None:
    """A dry run first; only what it showed can be applied, with a reason that every report repeats."""
    why = "A dry run with the prices as they are now. Nothing changes until it is applied."
    with cards.card("Price past days again", why):
        if not sign_in.only_admins("Pricing again"):
            return
        today = datetime.now(timezone.utc).date()
        with st.form("reprice", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
            days = st.date_input("UTC days, both included", (today - timedelta(days=6), today), max_value=today)
            if st.form_submit_button("What would change?", icon=":material/difference:") and len(days) > 1:
                _ask(days[0].isoformat(), (days[-1] + timedelta(days=1)).isoformat())
        if told := st.session_state.get(_DONE):
            _result(told)


def _ask(first: str, end: str, reason: str = "") -> None:
    st.session_state.pop(_DONE, None)
    body: dict[str, Any] = {"from": first, "to": end, "apply": bool(reason), "reason": reason}
    try:
        answer = cache.act("POST", "/reprice", body, 600)
    except ApiError as error:
        st.text(str(error))
        return
    st.session_state[_DONE] = {
        "from": first,
        "to": end,
        "reason": reason,
        "days": reviewed.exact(_money(answer["days"])),
    }


def _money(days: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The sums under names that say they are money."""
    return [{**day, "before_usd": day["before"], "after_usd": day["after"]} for day in days]


def _result(told: Mapping[str, Any]) -> None:
    changed = [day for day in told["days"] if day["changed_calls"]]
    calls = counted(sum(day["changed_calls"] for day in changed), "call")
    by = sum((day["after_usd"] - day["before_usd"] for day in changed), Decimal(0))
    verb = "changed" if told["reason"] else "would change"
    st.text(f"{calls} on {counted(len(changed), 'day')} {verb}, {signed(by)} in all.")
    if not changed:
        return
    rows = [day | {"by": day["after_usd"] - day["before_usd"]} for day in changed]
    fields = {"Day": ("day", "text"), "Calls": ("changed_calls", count), "Before": ("before_usd", money)}
    listing.draw(rows, fields | {"After": ("after_usd", money), "Change": ("by", signed)}, most_rows=7)
    tables.download(rows, "repricing", st.container())
    if told["reason"]:
        st.text(f"Applied: {label(told['reason'], 200)}")
        return
    with st.form("apply", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        reason = st.text_input("Reason, shown in every report", max_chars=200).strip()
        if st.form_submit_button("Apply", type="primary", disabled=False) and reason:
            _ask(told["from"], told["to"], reason)
            st.rerun()
