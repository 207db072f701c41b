"""Figures with their change, and the frame every card has: a title, one line of why it matters, its download."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import streamlit as st

from spanledger_dashboard.format import MINUS, NBSP, count, counted, duration, exact_money, money, percent, share

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from decimal import Decimal

    import altair as alt
    from streamlit.delta_generator import DeltaGenerator

    from spanledger_dashboard.cache import Row

Colour = Literal["red", "green", "gray"]


@dataclass(frozen=True, slots=True)
class Change:
    """How a figure moved: text, direction, and a colour only where one direction is bad."""

    text: str
    rises: bool
    colour: Colour


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, what it is a share or sum of, and every digit of it on hover."""

    title: str
    value: str
    base: str
    change: Change | None
    exact: str


def opening(sentence: str, *, demo: bool) -> None:
    """The sentence a page opens with: plain text, for it holds names that services send."""
    with st.container(key="headline", gap="xsmall"):
        if demo:
            st.badge("Demo data: made-up calls, nobody's bill", icon=":material/science:", color="orange")
        st.text(sentence)


def chart(drawn: alt.Chart | alt.LayerChart, alt_text: str) -> None:
    """A chart at the card's width."""
    st.altair_chart(drawn, alt=alt_text)


def figures(shown: Sequence[Figure], against: str | None) -> None:
    """A row of figures of equal weight; ``against`` names what the changes are measured from."""
    with st.container(horizontal=True, gap="small", key="figures"):
        for figure in shown:
            _draw(figure, against)


def _draw(figure: Figure, against: str | None) -> None:
    with st.container(border=True, gap="xxsmall", height="stretch"):
        st.metric(
            figure.title,
            _literal(figure.value),
            _literal(figure.change.text) if figure.change else None,
            delta_color=figure.change.colour if figure.change else "off",
            delta_arrow=("up" if figure.change.rises else "down") if figure.change else "off",
            help=_literal(figure.exact + (f" Change against {against}." if figure.change else "")),
        )
        st.caption(_literal(figure.base))


def _literal(text: str) -> str:
    """A dollar sign would open a formula. Only our own numbers and words come here, never a name from a span."""
    return text.replace("$", r"\$")


def spend(now: Row, before: Row | None) -> Figure:
    """Known money; what it leaves out stands under it."""
    unpriced = now["unpriced_calls"]
    base = f"+ {counted(unpriced, 'call')} of unknown price" if unpriced else "every call is priced"
    change = _money_change(now["cost_usd"], before["cost_usd"]) if before else None
    return Figure("Spend", money(now["cost_usd"]), base, change, f"Exactly {exact_money(now['cost_usd'])}.")


def calls(now: Row, before: Row | None) -> Figure:
    """More is neither good nor bad."""
    base = f"{count(now['input_tokens'])} tokens in, {count(now['output_tokens'])} out"
    change = _count_change(now["calls"], before["calls"]) if before else None
    exact = f"{now['calls']:,} calls, {now['input_tokens']:,} tokens in, {now['output_tokens']:,} out."
    return Figure("Calls", count(now["calls"]), base, change, exact)


def failures(now: Row, before: Row | None) -> Figure:
    """The share of calls that ended in an error after all retries."""
    base = f"{count(now['failures'])} of {counted(now['calls'], 'call')}"
    change = _points(_failed(now), _failed(before), up="red") if before else None
    return Figure("Failures", share(_failed(now)), base, change, "Calls that ended in an error, retries included.")


def latency(now: Row, before: Row | None) -> Figure:
    """The slow calls first, since they are what users feel; the median beside them."""
    base = f"median {duration(now['p50_ms'])}"
    change = _time_change(now["p95_ms"], before["p95_ms"]) if before else None
    return Figure("Latency, 95th percentile", duration(now["p95_ms"]), base, change, "Failed calls are left out.")


def coverage(now: Row, before: Row | None) -> Figure:
    """How far the money can be trusted."""
    base = f"{count(now['calls'] - now['unpriced_calls'])} of {counted(now['calls'], 'call')}"
    change = _points(now["coverage"], before["coverage"], up="green") if before else None
    return Figure(
        "Calls with a known price", share(now["coverage"]), base, change, "The rest is in no sum on this page."
    )


def _failed(totals: Row) -> float | None:
    return totals["failures"] / totals["calls"] if totals["calls"] else None


def _money_change(now: Decimal | None, then: Decimal | None) -> Change | None:
    if now is None or then is None or now == then:
        return None
    return _change(money(abs(now - then)), now > then, float((now - then) / then) if then else None, up="red")


def _count_change(now: int, then: int) -> Change | None:
    return None if now == then else _change(count(abs(now - then)), now > then, (now - then) / then if then else None)


def _time_change(now: float | None, then: float | None) -> Change | None:
    if now is None or then is None or now == then:
        return None
    return _change(duration(abs(now - then)), now > then, (now - then) / then if then else None, up="red")


def _points(now: float | None, then: float | None, up: Colour) -> Change | None:
    """Shares differ by percentage points: a percentage of a percentage misleads."""
    if now is None or then is None or abs(now - then) < 0.0005:  # noqa: PLR2004 - what one decimal can show
        return None
    return _change(f"{abs(now - then) * 100:.1f}{NBSP}points", now > then, None, up=up)


def _change(amount: str, rises: bool, ratio: float | None, up: Colour = "gray") -> Change:  # noqa: FBT001 - a fact, not a switch
    text = f"{'+' if rises else MINUS}{amount}" + (f" ({percent(ratio)})" if ratio is not None else "")
    opposite: dict[Colour, Colour] = {"red": "green", "green": "red", "gray": "gray"}
    return Change(text, rises, up if rises else opposite[up])


@contextmanager
def card(title: str, why: str) -> Iterator[DeltaGenerator]:
    """A framed card; yields the place right of the title, for its switch and its download."""
    with st.container(border=True, height="stretch"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            with st.container(gap=None):
                st.markdown(f"##### {title}")
                st.caption(why)
            controls = st.container(horizontal=True, width="content", horizontal_alignment="right", gap="xsmall")
        yield controls
