"""Figures with their change, and the frame every card has: a title, one line of why it matters, its download."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal, TypeVar, cast

import streamlit as st

from spanledger_dashboard.charts import PICK
from spanledger_dashboard.format import NBSP, count, counted, duration, exact_money, money, percent, share
from spanledger_dashboard.specification import Specification

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import altair as alt
    from streamlit.delta_generator import DeltaGenerator

    from spanledger_dashboard.cache import Row

Colour = Literal["red", "green", "gray"]
Number = TypeVar("Number", int, float, Decimal)
_OPPOSITE: Final[dict[Colour, Colour]] = {"red": "green", "green": "red", "gray": "gray"}
_ARROWS: Final[dict[bool | None, Literal["up", "down", "off"]]] = {True: "up", False: "down", None: "off"}
# Below these a change is said but not coloured: a page that is always red is not looked at.
_SMALL_RATIO: Final = 0.05
_SMALL_SHARE: Final = 0.005
_SHOWN_SHARE: Final = 0.0005  # what one decimal of a percentage can show


@dataclass(frozen=True, slots=True)
class Change:
    """How a figure moved: text, direction, and a colour only where one direction is bad; None: it cannot be said."""

    text: str
    rises: bool | None
    colour: Colour


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, what it is a share or sum of, and every digit of it on hover."""

    title: str
    value: str
    base: str
    change: Change | None
    exact: str
    calls: str = ""  # the address of the calls behind it


def opening(sentence: str, *, demo: bool) -> None:
    """The sentence a page opens with: plain text, for it holds names that services send."""
    with st.container(key="headline", gap="xsmall"):
        if demo:
            st.badge("Demo data: made-up calls, nobody's bill", icon=":material/science:", color="orange")
        st.text(sentence)


def chart(drawn: alt.Chart | alt.LayerChart, alt_text: str) -> None:
    """A chart at the card's width."""
    st.altair_chart(_specified(drawn), alt=alt_text)


def clickable_chart(drawn: alt.Chart | alt.LayerChart, alt_text: str, key: str, pick: Callable[[str], None]) -> None:
    """The same, where a click on a mark hands over the name of its series."""

    def picked() -> None:
        for mark in st.session_state[key].selection[PICK]:
            pick(mark["series"])

    st.altair_chart(_specified(drawn), alt=alt_text, key=key, on_select=picked, selection_mode=[PICK])


def _specified(drawn: alt.Chart | alt.LayerChart) -> alt.Chart:
    return cast("alt.Chart", Specification(drawn))


def figures(shown: Sequence[Figure], against: str) -> None:
    """A row of figures of equal weight; ``against`` names what the changes are measured from."""
    with st.container(horizontal=True, gap="small", key="figures"):
        for figure in shown:
            _draw(figure, against)


def _draw(figure: Figure, against: str) -> None:
    with st.container(border=True, gap="xxsmall", height="stretch"):
        st.metric(
            figure.title,
            _literal(figure.value),
            _literal(figure.change.text) if figure.change else None,
            delta_color=figure.change.colour if figure.change else "off",
            delta_arrow=_ARROWS[figure.change.rises if figure.change else None],
            help=_literal(figure.exact + (f" Change against {against}." if figure.change else "")),
        )
        st.caption(f"[{_literal(figure.base)}]({figure.calls})" if figure.calls else _literal(figure.base))


def _literal(text: str) -> str:
    """A dollar sign would open a formula, a plus a list. Only our own words come here, never a name from a span."""
    return text.replace("$", r"\$").replace("+", r"\+")


def spend(now: Row, before: Row | None, without: str = "") -> Figure:
    """Known money; what it leaves out stands under it, and leads to the calls ``without`` a price."""
    unpriced = now["unpriced_calls"]
    base = f"+ {counted(unpriced, 'call')} of unknown price" if unpriced else "every call is priced"
    change = money_change(now["cost_usd"], before["cost_usd"]) if before else None
    return Figure(
        "Spend",
        money(now["cost_usd"]),
        base,
        change,
        f"Exactly {exact_money(now['cost_usd'])}.",
        without if unpriced else "",
    )


def calls(now: Row, before: Row | None, behind: str = "") -> Figure:
    """More is neither good nor bad."""
    base = f"{count(now['input_tokens'])} tokens in, {count(now['output_tokens'])} out"
    change = relative(now["calls"], before["calls"], count, up="gray") if before else None
    exact = f"{now['calls']:,} calls, {now['input_tokens']:,} tokens in, {now['output_tokens']:,} out."
    return Figure("Calls", count(now["calls"]), base, change, exact, behind)


def failures(now: Row, before: Row | None, behind: str = "") -> Figure:
    """The share of calls that ended in an error after all retries."""
    base = f"{count(now['failures'])} of {counted(now['calls'], 'call')}"
    change = _points(_failed(now), _failed(before), up="red") if before else None
    exact = "Calls that ended in an error, retries included."
    return Figure("Failures", share(_failed(now)), base, change, exact, behind if now["failures"] else "")


def latency(now: Row, before: Row | None) -> Figure:
    """The slow calls first, since they are what users feel; the median beside them."""
    base = f"median {duration(now['p50_ms'])}"
    known = before and now["p95_ms"] is not None and before["p95_ms"] is not None
    change = relative(now["p95_ms"], before["p95_ms"], duration, up="red") if before and known else None
    return Figure(
        "Latency p95",
        duration(now["p95_ms"]),
        base,
        change,
        "95 of 100 calls are faster; failed and batch calls aside.",
    )


def coverage(now: Row, before: Row | None) -> Figure:
    """How far the money can be trusted."""
    base = f"{count(now['calls'] - now['unpriced_calls'])} of {counted(now['calls'], 'call')}"
    change = _points(now["coverage"], before["coverage"], up="green") if before else None
    return Figure(
        "Priced calls",
        share(now["coverage"]),
        base,
        change,
        "Calls with a known price. The rest is in no sum on this page.",
    )


def hit_rate(now: float | None, before: float | None, base: str) -> Figure:
    """The share of input tokens that prompt caches served."""
    change = _points(now, before, up="green")
    return Figure("Cache hit rate", share(now), base, change, "Of the input tokens of priced calls.")


def _failed(totals: Row) -> float | None:
    return totals["failures"] / totals["calls"] if totals["calls"] else None


def money_change(now: Decimal | None, then: Decimal | None, up: Colour = "red") -> Change | None:
    """More is bad unless said otherwise; None unless both are known."""
    return None if now is None or then is None else relative(now, then, money, up=up)


def relative(now: Number, then: Number, said: Callable[[Number], str], up: Colour) -> Change | None:
    """An amount and its percentage of what was before; of nothing there is no percentage."""
    if now == then:
        return None
    ratio = float((now - then) / then) if then else None
    small = ratio is not None and abs(ratio) < _SMALL_RATIO
    return _change(said(abs(now - then)), ratio, rises=now > then, small=small, up=up)


def _points(now: float | None, then: float | None, up: Colour) -> Change | None:
    """Shares differ by percentage points: a percentage of a percentage misleads."""
    if now is None or then is None or abs(now - then) < _SHOWN_SHARE:
        return None
    points = f"{abs(now - then) * 100:.1f}{NBSP}points"
    return _change(points, None, rises=now > then, small=abs(now - then) < _SMALL_SHARE, up=up)


def _change(amount: str, ratio: float | None, *, rises: bool, small: bool, up: Colour = "gray") -> Change:
    text = amount + (f" ({percent(ratio)})" if ratio is not None else "")
    return Change(text, rises, "gray" if small else up if rises else _OPPOSITE[up])


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
