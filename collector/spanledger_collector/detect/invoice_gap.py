"""D35: what the provider billed and what the ledger holds differ. Data quality: it claims no savings."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Place, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MIN_SHARE: Final = Decimal("0.02")  # of the bill
MIN_USD: Final = Decimal(1)
MOST: Final = Decimal("0.8")  # of the gap: then it is this model's


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    by_provider: dict[str, list[Row]] = defaultdict(list)
    for row in ask("reconciliation"):
        if row["billed_usd"] is not None:
            by_provider[row["provider"]].append(row)
    for provider, rows in by_provider.items():
        billed = sum((row["billed_usd"] for row in rows), Decimal(0))
        gap = sum((_gap(row) for row in rows), Decimal(0))
        if billed > 0 and abs(gap) >= max(MIN_USD, MIN_SHARE * billed):
            yield _finding(provider, rows, (gap, billed), window)


def _gap(row: Row) -> Decimal:
    """Ours less theirs; what we know no cost of is missing from ours."""
    return Decimal((row["cost_usd"] or 0) - row["billed_usd"])


def _worst(rows: Sequence[Row], gap: Decimal) -> str:
    by_model: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        by_model[row["model"]] += _gap(row)
    model, most = max(by_model.items(), key=lambda pair: abs(pair[1]))
    named = model or "what the bill names no model for"
    return f"; all of it on {named}" if most / gap >= MOST else f"; most on {named} (${most:,.2f})"


def _finding(provider: str, rows: Sequence[Row], money: tuple[Decimal, Decimal], window: Window) -> Finding:
    gap, billed = money
    unpriced, modelled = (sum(row[name] for row in rows) for name in ("unpriced_calls", "modelled_calls"))
    days = len({row["day"] for row in rows})
    return Finding(
        detector="D35",
        category="data_quality",
        place=Place(provider=provider),
        window=window,
        title=f"{gap / billed:+.1%} beside the provider's bill{_worst(rows, gap)}",
        why=(
            f"On {days:,} days with a bill {provider} asks ${billed:,.2f} and the ledger holds ${billed + gap:,.2f}. "
            f"{unpriced:,} of its calls there have no known cost, {modelled:,} a modelled one."
        ),
        fix=Fix(
            "If the bill is higher, look for services that send no spans, and price unpriced models; if it is lower, "
            "for discounts that the price file lacks.",
            "spanledger reconcile --help",
        ),
        verify="The gap of a day with a new bill is below 2 %.",
        confidence="high",
    )


DETECTOR = Detector("D35", timedelta(days=30), find, min_days=1)
