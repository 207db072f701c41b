"""What people do about an alert from its card: say that it was seen, or have it not told for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from spanledger_dashboard import cache, sign_in
from spanledger_dashboard.client import ApiError
from spanledger_dashboard.format import label, moment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from spanledger_dashboard.cache import Row
    from spanledger_dashboard.period import Period

LENGTHS: Final = ("1h", "4h", "1d", "7d")


def silenced() -> Mapping[str, Row]:
    """Fingerprints of alerts that are on and not told, with the silence. Raises ApiError."""
    told = cache.told("/alerts/silences")["silences"]
    return {fingerprint: each for each in told for fingerprint in each["silenced"]}


def marks(row: Row, mute: Mapping[str, Any] | None, period: Period) -> None:
    """That somebody has seen it, that it is silenced: by whom, and until when."""
    if row["acknowledged_by"]:
        note = f": {label(row['acknowledged_note'], 200)}" if row["acknowledged_note"] else ""
        at = moment(row["acknowledged_at"], period.zone, period.now)
        st.text(f"Seen by {label(row['acknowledged_by'], 60)} at {at}{note}")
    if mute:
        st.text(f"Not told until {mute['until']}, by {label(mute['author'], 60)}: {label(mute['reason'], 200)}")


def actions(row: Row, *, muted: bool) -> None:
    """Only for those who may."""
    if not row["acknowledged_by"]:
        _form(row, "Acknowledge", ":material/visibility:", _acknowledge)
    if not muted:
        _form(row, "Silence", ":material/notifications_off:", _silence)


def _form(row: Row, name: str, icon: str, fill: Callable[[Row], Callable[[], Any] | None]) -> None:
    key = f"{name}-{row['fingerprint']}-{row['since'].timestamp():.0f}"
    with st.popover(name, icon=icon, key=f"open-{key}"), st.form(key, border=False):
        send = fill(row)
        if send:
            done(send)


def author() -> str:
    """Asks who does this, where sign-in does not say."""
    return str(st.text_input("Who", st.session_state.get("decides", sign_in.person()), max_chars=80))


def done(send: Callable[[], Any]) -> None:
    """Do it and draw the page anew, or say in the API's words why not."""
    try:
        send()
    except ApiError as error:
        st.text(str(error))
    else:
        st.rerun()


def _acknowledge(row: Row) -> Callable[[], Any] | None:
    who, note = author(), st.text_input("Note", max_chars=300)
    st.caption("Repeats stop; the end is still told.")
    if not st.form_submit_button("Acknowledge", type="primary"):
        return None
    body = {"fingerprint": row["fingerprint"], "author": who, "note": note}
    return lambda: cache.act("POST", "/alerts/acknowledgements", body)


def _silence(row: Row) -> Callable[[], Any] | None:
    who, until = author(), str(st.selectbox("For", LENGTHS))
    reason = st.text_input("Why", max_chars=300)
    matchers = {name: value for name, value in dict(row["labels"]).items() if value} | {"rule": row["rule"]}
    st.caption("It is kept and shown, and told if it is still on then.")
    if not st.form_submit_button("Silence", type="primary"):
        return None
    body = {"author": who, "matchers": matchers, "reason": reason, "until": until}
    return lambda: cache.act("POST", "/alerts/silences", body)
