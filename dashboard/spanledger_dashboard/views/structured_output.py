"""Which replies do not follow their schema, in which field, and what does it cost?"""

from __future__ import annotations

import streamlit as st

from spanledger_dashboard import cache, cards, filters, panels, states, structured


def page() -> None:
    """The sentence, four figures, the fields that fail, and every schema."""
    if not cache.names("beginning"):
        states.empty(cache.pulse().status)
        return
    chosen = filters.bar()
    rows = cache.rows("validations", chosen.params())
    cards.opening(structured.sentence(rows, chosen.period.said), demo=cache.pulse().demo)
    panels.restated(chosen)
    if not rows:
        st.text("Validate replies with Pydantic or Instructor in the same span, or record the outcome yourself:")
        st.code('spanledger.validation("Invoice", ok=False, fields=["total"])', language="python")
        return
    earlier = chosen.earlier
    then = cache.rows("validations", earlier.params()) if earlier else []
    structured.figures(rows, then, earlier.period.said if earlier else "")
    structured.by_field(rows)
    structured.by_schema(rows)
