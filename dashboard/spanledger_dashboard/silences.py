"""Silences that are on or to come, and the channels that are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from spanledger_dashboard import cache, cards, listing, responding, sign_in, tables
from spanledger_dashboard.client import ApiError
from spanledger_dashboard.format import count, label

if TYPE_CHECKING:
    from collections.abc import Mapping

MATCHED: Final = ("rule", "service", "provider", "model", "feature")


def listed() -> None:
    """Each silence with what it keeps back; those of the rule file are ended there."""
    told = cache.told("/alerts/silences")["silences"]
    with cards.card("Silences", "Alerts that match all of these are kept and shown, and not told.") as controls:
        if not told:
            st.markdown("No silence is on.")
        else:
            rows = [_row(each) for each in told]
            fields = {"What": ("what", "wide"), "Why": ("reason", "text"), "By": ("author", "text")}
            listing.draw(rows, fields | {"Until": ("until", "text"), "Kept back": ("kept", count)})
            tables.download(rows, "silences", controls)
        if not sign_in.only_admins("Silencing"):
            return
        with st.container(horizontal=True, gap="small"):
            _new()
            _end([each for each in told if each["id"]])


def _row(each: Mapping[str, Any]) -> dict[str, Any]:
    kept = len(each["silenced"])
    return {"what": said(each["matchers"]), "kept": kept, **{n: each[n] for n in ("reason", "author", "until")}}


def said(matchers: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in matchers.items())


def _new() -> None:
    with st.popover("New silence", icon=":material/notifications_off:"), st.form("silence", border=False):
        who = responding.author()
        found = {name: st.text_input(name.capitalize(), placeholder="any") for name in MATCHED}
        until = str(st.selectbox("For", responding.LENGTHS))
        reason = st.text_input("Why", max_chars=300)
        if st.form_submit_button("Silence", type="primary"):
            matchers = {name: value.strip() for name, value in found.items() if value.strip()}
            body = {"author": who, "matchers": matchers, "reason": reason, "until": until}
            responding.done(lambda: cache.act("POST", "/alerts/silences", body))


def _end(silences: list[Mapping[str, Any]]) -> None:
    if not silences:
        return
    with st.popover("End a silence", icon=":material/notifications_active:"), st.form("end-silence", border=False):
        names = {each["id"]: label(f"{said(each['matchers'])} ({each['reason']})", 80) for each in silences}
        chosen = st.selectbox("Which", list(names), format_func=names.__getitem__)
        if st.form_submit_button("End it now", type="primary"):
            responding.done(lambda: cache.act("DELETE", f"/alerts/silences/{chosen}"))


def channels() -> None:
    """Who is told, and whether they hear it."""
    names = cache.told("/alerts/channels")["channels"]
    with cards.card("Channels", "Set by variables where the collector runs; a test sends a made-up alert and its end."):
        if not names:
            st.markdown("No channel is set: alerts are kept and shown, nobody is told. Name one for the collector:")
            st.code("SPANLEDGER_ALERT_SLACK_WEBHOOK=https://hooks.slack.com/services/...", language="bash")
            return
        allowed = sign_in.only_admins("Testing a channel")
        for name in names:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.text(label(name))
                if allowed and st.button("Send a test", key=f"test-{name}", icon=":material/send:"):
                    _test(name)


def _test(name: str) -> None:
    try:
        told = cache.act("POST", f"/alerts/channels/{name}/test")
    except ApiError as error:
        st.text(str(error))
        return
    for each in told["deliveries"]:
        heard = "delivered" if each["ok"] else "failed"
        st.text(f"{each['state']}: {heard} {label(str(each['detail'] or ''), 200)}")
