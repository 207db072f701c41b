"""A finding: a place, what was seen there, what it costs and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from decimal import Decimal

Category = Literal["cache", "dependency", "cost", "data_quality", "prompt"]
Confidence = Literal["high", "medium", "low"]
MoneyGrade = Literal["measured", "modelled", "none"]
Row = dict[str, Any]
Ask = Callable[[str], Sequence[Row]]
"""The rows of a named query over the detector's window."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the caller's software; an empty part means every one of them."""

    service: str = ""
    feature: str = ""
    provider: str = ""
    model: str = ""
    call_site: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """UTC, half-open."""

    start: datetime
    end: datetime

    def params(self) -> Mapping[str, Sequence[str]]:
        return {"from": [self.start.isoformat()], "to": [self.end.isoformat()]}


@dataclass(frozen=True, slots=True)
class Fix:
    text: str
    snippet: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """``money_usd`` is what the window lost, in US dollars; None when nothing could be measured or modelled."""

    detector: str
    category: Category
    place: Place
    window: Window
    title: str
    why: str
    fix: Fix
    verify: str
    confidence: Confidence
    trace_ids: tuple[str, ...] = ()  # hex
    money_usd: Decimal | None = None
    money_grade: MoneyGrade = "none"

    def __post_init__(self) -> None:
        if (self.money_usd is None) != (self.money_grade == "none"):
            raise ValueError(f"{self.detector}: money {self.money_usd} does not fit its grade {self.money_grade!r}")
        if self.category == "data_quality" and self.money_usd is not None:
            raise ValueError(f"{self.detector}: a data-quality finding claims no savings, got {self.money_usd}")

    @property
    def id(self) -> str:
        """Identity across evaluations: the detector and the place, never a number or a time."""
        return sha256("\0".join((self.detector, *astuple(self.place))).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Detector:
    """``find`` reads named queries over the last ``span`` through ``ask`` and says what it found: it keeps no state."""

    id: str
    span: timedelta
    find: Callable[[Ask, Window], Iterable[Finding]]
