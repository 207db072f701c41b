"""A dollar is claimed once: where findings overlap, the first in the order of claims has it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.finding import CLAIM_ORDER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spanledger_collector.detect.finding import Claim, Detector, Finding

_PARTS: Final = {"input": {"input"}, "output": {"output"}, "call": {"input", "output"}}


def settle(found: Iterable[tuple[Detector, Finding]]) -> list[tuple[Detector, Finding]]:
    """The same findings, each with the money that no finding before it has, and what was taken off."""
    taken: dict[str, set[str]] = defaultdict(set)
    return [(detector, _settled(finding, taken)) for detector, finding in sorted(found, key=_rank)]


def _rank(pair: tuple[Detector, Finding]) -> tuple[int, Decimal, str]:
    """Of two that claim in the same way, the one that explains more comes first."""
    detector, finding = pair
    place = CLAIM_ORDER.index(detector.claims) if detector.claims else len(CLAIM_ORDER)
    return place, -(finding.money_usd or Decimal(0)), detector.id


def _settled(finding: Finding, taken: dict[str, set[str]]) -> Finding:
    if finding.money_usd is None or not finding.claims:
        return finding
    whole = kept = Decimal(0)
    for claim in finding.claims:
        whole += claim.usd
        if not _PARTS[claim.part] & taken[claim.span_id]:
            kept += claim.usd
    for claim in finding.claims:
        taken[claim.span_id] |= _PARTS[claim.part]
    if kept == whole:
        return finding
    money = finding.money_usd * kept / whole if whole else Decimal(0)
    return replace(finding, money_usd=money, overlap_usd=finding.money_usd - money)


def total(claims: Iterable[Claim]) -> Decimal:
    return sum((claim.usd for claim in claims), Decimal(0))
