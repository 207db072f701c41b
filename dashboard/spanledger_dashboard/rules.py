"""Alert rules: which there are, one's own to change, and when a rule would have fired on the ledger's history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import streamlit as st

from spanledger_dashboard import backtest, cache, cards, listing, responding, sign_in, tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    Rule = Mapping[str, Any]

KINDS: Final = ("threshold", "burn_rate", "budget")
METRICS: Final = ("calls", "failures", "failure_share", "cost_usd", "cost_usd_per_call", "p95_ms")
FILTERS: Final = ("service", "provider", "model", "feature", "team", "environment")
_SOURCES: Final = {"api": "your own", "file": "rule file", "built_in": "built in"}
_AS: Final = {"api": "unknown", "file": "in the file", "built_in": "as shipped"}
_NEW: Final = "New rule"
_META: Final = ("name", "kind", "source", "author", "updated", "basis", "filters", "owner", "runbook_url")


def listed() -> None:
    """Every rule with what it says; own ones first."""
    rules = told()
    with cards.card(
        "Rules", "Built-in rules judge each place against its own past; your own stand beside them."
    ) as controls:
        rows = [_row(rule) for rule in rules]
        fields = {"Rule": ("name", "text"), "Source": ("source", "text"), "Says": ("says", "wide")}
        listing.draw(rows, fields | {"Owner": ("owner", "text"), "Changed": ("updated", "text")}, most_rows=12)
        tables.download(rows, "rules", controls)
    if sign_in.only_admins("Changing and trying rules"):
        left, right = st.columns(2)
        with left:
            _edit([rule for rule in rules if rule["source"] == "api"])
        with right:
            backtest.card([rule["name"] for rule in rules])


def told() -> list[Rule]:
    """Own rules first. Raises ApiError."""
    order = list(_SOURCES)
    rules: list[Rule] = cache.told("/alerts/rules")["rules"]
    return sorted(rules, key=lambda rule: (order.index(rule["source"]), rule["name"]))


def _row(rule: Rule) -> dict[str, Any]:
    updated = str(rule.get("updated") or "").replace("T", " ")[:16] or _AS[rule["source"]]
    own = {"owner": rule.get("owner") or "no owner", "updated": updated}
    return {"name": rule["name"], "source": _SOURCES[rule["source"]], "says": says(rule), **own}


def says(rule: Rule) -> str:
    """A rule in one line: its basis, or its fields as they were given."""
    if rule.get("basis"):
        return str(rule["basis"])
    told = [f"{name} {value}" for name, value in rule.items() if name not in _META and value not in (None, "", {})]
    where = [f"{name} {value}" for name, value in rule.get("filters", {}).items()]
    return f"{rule['kind']}: {', '.join(told)}" + (f"; of {', '.join(where)}" if where else "")


def _edit(own: list[Rule]) -> None:
    with cards.card("Your own rules", "Held from the next evaluation on, half a minute later."):
        names = [_NEW, *(rule["name"] for rule in own)]
        chosen = str(st.selectbox("Rule", names, key="rule", bind="query-params"))
        rule = next((each for each in own if each["name"] == chosen), {})
        kind = str(st.selectbox("Kind", KINDS, KINDS.index(rule.get("kind", KINDS[0])), key=f"kind-{chosen}"))
        with st.form(f"rule-{chosen}-{kind}", border=False):
            name = chosen if rule else st.text_input("Name", placeholder="checkout-slow")
            body = {"kind": kind, **_fields(kind, rule), **_common(rule), "author": responding.author()}
            with st.container(horizontal=True, gap="small"):
                save = st.form_submit_button("Save", type="primary")
                trying = st.form_submit_button("Try on 30 days")
                drop = bool(rule) and st.form_submit_button("Delete")
        path = f"/alerts/rules/{quote(name.strip(), safe='')}"
        if save:
            responding.done(lambda: cache.act("PUT", path, body))
        if drop:
            responding.done(lambda: cache.act("DELETE", path))
        if trying:
            backtest.draft({**{key: value for key, value in body.items() if key != "author"}, "name": name.strip()})


def _fields(kind: str, rule: Rule) -> dict[str, Any]:
    """What only this kind has."""
    if kind == "burn_rate":
        return {
            "objective": st.number_input(
                "Share of calls that should succeed", 0.5, 0.9999, rule.get("objective", 0.99), format="%.4f"
            )
        }
    if kind == "budget":
        usd = st.number_input("US dollars a month", 0.01, None, float(rule.get("usd", 100.0)))
        return {"usd": usd, "share": st.number_input("Tell at this share of it", 0.05, 1.0, rule.get("share", 0.8))}
    metric = rule.get("metric", METRICS[0])
    found: dict[str, Any] = {"metric": st.selectbox("Metric", METRICS, METRICS.index(metric))}
    with st.container(horizontal=True):
        side = str(st.selectbox("Is", ("above", "below"), int("below" in rule)))
        found[side] = st.number_input("Value", value=float(rule.get("above", rule.get("below", 0.0))))
        found["window"] = st.text_input("In a window of", rule.get("window", "15m"))
    choices = ("keep", "zero", "alert")
    found["no_data"] = st.selectbox("Without calls", choices, choices.index(rule.get("no_data", "keep")))
    return found


def _common(rule: Rule) -> dict[str, Any]:
    """What every kind has; empty fields are left out."""
    held = rule.get("filters", {})
    with st.expander("Of which calls, how long, whose"):
        filters = {name: st.text_input(name.capitalize(), held.get(name, ""), placeholder="any") for name in FILTERS}
        texts = {
            "for": st.text_input("For at least", rule.get("for", "")),
            "keep_firing_for": st.text_input("Keep firing for", rule.get("keep_firing_for", "")),
            "owner": st.text_input("Owner", rule.get("owner", "")),
            "runbook_url": st.text_input("Runbook", rule.get("runbook_url", "")),
        }
    kept = {name: value.strip() for name, value in filters.items() if value.strip()}
    return {name: value.strip() for name, value in texts.items() if value.strip()} | ({"filters": kept} if kept else {})
