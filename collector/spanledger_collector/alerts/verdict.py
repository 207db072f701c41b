"""What a rule says of one place at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

Judgement = Literal["failing", "normal", "not_enough_data"]
Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """``seen`` and ``expected`` are in ``unit``, over ``window_minutes`` that held ``calls``; labels sorted by name."""

    rule: str
    labels: Labels
    judgement: Judgement
    calls: int
    seen: float
    expected: float
    unit: str
    window_minutes: int
    summary: str
    basis: str  # what the rule compares
    kind: str = ""
    since: datetime | None = None  # when it began, where the rule knows better than the moment it is asked


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a rule must fail before it fires, and be well before it clears; who cares, and what to do then."""

    pending_for: timedelta = timedelta(0)
    keep_firing_for: timedelta = timedelta(0)
    owner: str = ""
    runbook_url: str = ""


class Rule(Protocol):
    """``judge`` says nothing of a place where it has nothing to say; None when it cannot judge anything yet."""

    @property
    def timing(self) -> Timing: ...

    def owns(self, rule: str) -> bool:
        """Whether alerts of that rule's name are this one's to end."""

    def judge(self, now: datetime) -> Sequence[Verdict] | None: ...
