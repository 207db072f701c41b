"""How long calls took against the period before: which way it moved in words, or that there is too little to say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from spanledger_dashboard import cache, cards
from spanledger_dashboard.format import NBSP, duration

if TYPE_CHECKING:
    from spanledger_dashboard.cache import Row
    from spanledger_dashboard.filters import Selection

ENOUGH: Final = 20  # calls: of fewer, one in twenty is none, and a p95 is the slowest call
TOO_LITTLE: Final = "too little data"


@dataclass(frozen=True, slots=True)
class Waited:
    """Quantiles in ms, and of how many calls: ``calls`` timed ones, ``firsts`` that tell of their first chunk."""

    quantiles: Row
    calls: int
    firsts: int


def waited(chosen: Selection) -> Waited:
    """Raises ApiError."""
    quantiles = cache.rows("latency", chosen.params())[0]
    return Waited(quantiles, quantiles["calls"], cache.rows("first_chunks", chosen.params())[0]["calls"])


def latency(now: Waited, then: Waited | None) -> cards.Figure:
    """The slow calls, for users feel them; the median beneath."""
    told = _told("", "calls", now, then)
    return cards.Figure("Latency p95", *told, "95 of 100 calls are faster; failed and batch calls aside.")


def first_chunk(now: Waited, then: Waited | None) -> cards.Figure:
    """The same of what a reader of a stream waits for."""
    told = _told("first_chunk_", "firsts", now, then)
    return cards.Figure("First chunk p95", *told, "Of streamed calls alone: the time to the first chunk.")


def _told(prefix: str, of: str, now: Waited, then: Waited | None) -> tuple[str, str, cards.Change | None]:
    """A figure's value, base and change; ``of`` names which calls its quantiles are of."""
    slow, usual = (now.quantiles[f"{prefix}{name}"] for name in ("p95_ms", "p50_ms"))
    base = f"median {duration(usual)}"
    if then is None:
        return duration(slow), base, None
    counts = getattr(now, of), getattr(then, of)
    moved = change(slow, then.quantiles[f"{prefix}p95_ms"], *counts)
    median = change(usual, then.quantiles[f"{prefix}p50_ms"], *counts)
    if median and median.rises is not None:
        base += f", {median.text}"
    return duration(slow), base, moved


def change(now_ms: float | None, then_ms: float | None, calls: int, calls_then: int) -> cards.Change | None:
    """None where nothing moved; what is of few calls in either period is not compared."""
    if calls < ENOUGH or calls_then < ENOUGH or now_ms is None or then_ms is None:
        return cards.Change(TOO_LITTLE if calls < ENOUGH else f"{TOO_LITTLE} before", None, "gray")
    word = "slower" if now_ms > then_ms else "faster"
    moved = cards.relative(now_ms, then_ms, lambda ms: f"{duration(ms)} {word}", up="red")
    # On a phone there is no room for a decimal, and the word says the sign.
    by = f"{duration(abs(now_ms - then_ms))} {word} ({_percent(now_ms, then_ms)})"
    return replace(moved, text=by) if moved and then_ms else moved


def _percent(now_ms: float, then_ms: float) -> str:
    by = abs(now_ms - then_ms) / then_ms * 100
    return f"{by:,.0f}{NBSP}%" if by >= 1 else f"<1{NBSP}%"


def compared(row: Row, then: Row | None) -> str:
    """How the p95 of one place moved, for a table: in words, for a cell has no arrow."""
    old = then or {"p95_ms": None, "calls": 0}
    moved = change(row.get("p95_ms"), old["p95_ms"], row.get("calls", 0), old["calls"])
    return moved.text if moved else "the same"
