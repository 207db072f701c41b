"""What is too little to bother anybody with: few calls, one day, or pennies."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from spanledger_collector.detect.finding import Detector, Finding

MIN_CALLS: Final = 20
MIN_USD_PER_MONTH: Final = Decimal(5)
MIN_SHARE: Final = Decimal("0.01")  # of what is spent
MONTH: Final = timedelta(days=30)


def enough(detector: Detector, finding: Finding, spent_usd: Decimal | None) -> bool:
    """Whether a finding is worth showing; ``spent_usd`` is the known spend of the last 30 days."""
    evidence = finding.evidence
    if evidence is not None and (evidence.calls < MIN_CALLS or evidence.days < detector.min_days):
        return False
    if finding.money_usd is None:
        return True
    floor = MIN_USD_PER_MONTH if spent_usd is None else min(MIN_USD_PER_MONTH, spent_usd * MIN_SHARE)
    return finding.money_usd > 0 and monthly(finding) >= floor


def monthly(finding: Finding) -> Decimal:
    """Money per 30 days, at the rate of the finding's window, its overlaps counted."""
    window = finding.window.end - finding.window.start
    money = (finding.money_usd or Decimal(0)) + (finding.overlap_usd or Decimal(0))
    return money * Decimal(MONTH.total_seconds()) / Decimal(window.total_seconds())
