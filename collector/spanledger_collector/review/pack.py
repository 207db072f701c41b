"""What a review is made of: the named queries' answers for a month and the month before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from spanledger_collector.review.ledger import Ledger, Row
    from spanledger_collector.review.period import Month

DIMENSIONS: Final = ("team", "feature", "model")


@dataclass(frozen=True, slots=True)
class Pack:
    """Money is an exact decimal string, or None where unknown. ``spend`` is by dimension, dearest first."""

    month: Month
    totals: Row
    before: Row  # totals of the previous month
    spend: dict[str, list[Row]]
    spend_before: dict[str, dict[str, Row]]  # by dimension and key
    findings: list[Row]

    @property
    def is_empty(self) -> bool:
        return not self.totals["calls"]


def collect(ledger: Ledger, month: Month) -> Pack:
    before = month.previous
    return Pack(
        month=month,
        totals=ledger.ask("totals", **month.params())[0],
        before=ledger.ask("totals", **before.params())[0],
        spend={by: ledger.ask("spend_by", by=by, **month.params()) for by in DIMENSIONS},
        spend_before={
            by: {row["key"]: row for row in ledger.ask("spend_by", by=by, **before.params())} for by in DIMENSIONS
        },
        findings=ledger.ask("findings", status="any", **month.params()),
    )
