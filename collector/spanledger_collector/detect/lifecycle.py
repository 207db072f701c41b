"""What becomes of a finding: open, accepted, fixed, verified; or dismissed, for 90 days and not for more money.

``cleared`` is what nobody decided on and is no longer found.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from spanledger_collector.detect.finding import Finding, Row

DECISIONS: Final = ("open", "accepted", "fixed", "dismissed")
DISMISSED_FOR: Final = timedelta(days=90)
REOPENED_BY: Final = Decimal("1.5")  # of the money it was dismissed with


class BadDecision(ValueError):
    """A decision cannot be taken; the text says why and what would do."""


@dataclass(frozen=True, slots=True)
class Decision:
    status: str
    by: str
    note: str = ""

    def __post_init__(self) -> None:
        if self.status not in DECISIONS:
            raise BadDecision(f"status cannot be {self.status[:100]!r}: use one of {', '.join(DECISIONS)}")
        if not self.by.strip():
            raise BadDecision("'by' is empty: say who decides, so that others can ask")


def status(known: Row | None, finding: Finding, now: datetime) -> str:
    """Of a finding that is seen again."""
    if known is None or known["status"] == "cleared":
        return "open"
    before: str = known["status"]
    if before == "dismissed" and (_expired(known, now) or _grown(known, finding)):
        return "open"
    if before in ("fixed", "verified") and _seen_since(known, finding):
        return "open"
    return before


def decided(known: Row, decision: Decision, now: datetime) -> Row:
    """The row after somebody's decision."""
    return known | {
        "status": decision.status,
        "updated": now,
        "decided_at": now,
        "decided_by": decision.by,
        "decision_note": decision.note,
        "decided_usd": known["money_usd"],
    }


def _expired(known: Row, now: datetime) -> bool:
    return known["decided_at"] is None or now - known["decided_at"] > DISMISSED_FOR


def _grown(known: Row, finding: Finding) -> bool:
    before, money = known["decided_usd"], finding.money_usd
    return before is not None and money is not None and money > before * REOPENED_BY


def _seen_since(known: Row, finding: Finding) -> bool:
    """The window holds nothing from before the fix any more, and it is found all the same."""
    at: datetime | None = known["decided_at"]
    return at is not None and finding.window.start >= at
