"""A finding: a place, what was seen there, what it costs and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from decimal import Decimal

Category = Literal["cache", "dependency", "cost", "data_quality", "prompt"]
Confidence = Literal["high", "medium", "low"]
MoneyGrade = Literal["measured", "modelled", "none"]
Part = Literal["input", "output", "call"]
Row = dict[str, Any]
Ask = Callable[..., Sequence[Row]]
"""The rows of a named query over the detector's window; more of its parameters by keyword."""

CLAIM_ORDER: Final = ("duplicate", "retry", "truncation", "cache", "batch", "model", "size")
"""Where two findings mean the same dollar, the one whose detector stands first has it."""


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


@dataclass(frozen=True, slots=True)
class Claim:
    """The needless US dollars of one call, and the part of its bill they are in."""

    span_id: str
    part: Part
    usd: Decimal


@dataclass(frozen=True, slots=True)
class Evidence:
    """How many calls and UTC days a finding rests on."""

    calls: int
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """``money_usd`` is what the window lost, in US dollars; None when nothing could be measured or modelled.

    ``claims`` say in which calls; where only a sample of the calls was looked at, money_usd is more than their sum.
    """

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
    evidence: Evidence | None = None  # None: the detector has a minimum of its own
    claims: tuple[Claim, ...] = ()
    overlap_usd: Decimal | None = None  # of the money found here, what another finding has

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
    """``find`` reads named queries over the last ``span`` through ``ask`` and says what it found: it keeps no state.

    ``claims`` is one of CLAIM_ORDER for detectors that claim money. ``min_days`` of evidence: 1 for what cannot wait.
    """

    id: str
    span: timedelta
    find: Callable[[Ask, Window], Iterable[Finding]]
    claims: str = ""
    min_days: int = 2
