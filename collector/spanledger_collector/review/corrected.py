"""A day's charges as they were first booked, and what was corrected since: together they are the ledger's, exactly.

A correction of a closed month stands beside the charge it corrects, never in its place.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from spanledger_collector.pricing.explanation import plain
from spanledger_collector.review.bridge.closing import difference, total

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from spanledger_collector.review.ledger import Row

_SHARED: Final = ("day", "provider", "model", "service_tier", "team", "feature", "part")
_KEYS: Final = (*_SHARED, "price", "cost_grade")
_UNKNOWN: Final = "unknown"  # a cost that is not known is no charge
_Sum = tuple[int, int, Decimal]  # calls, tokens, US dollars


def booked(parts: Iterable[Row], corrections: Sequence[Row]) -> Iterator[Row]:
    """Rows of the query ``cost_parts``, those that changed as they were before, then a row per correction.

    A correction has ``reason`` and ``corrected``, the day it was made; its cost is the difference, it counts nothing.
    """
    if not corrections:
        yield from parts
        return
    sums = {_key(row): (row["calls"], row["tokens"], Decimal(row["cost_usd"])) for row in parts}
    for row in reversed(corrections):
        _undo(sums, row)
    for key, (calls, tokens, usd) in sorted(sums.items()):
        if tokens or usd:
            yield dict(zip(_KEYS, key, strict=True)) | {"calls": calls, "tokens": tokens, "cost_usd": plain(usd)}
    yield from filter(None, map(_correction, corrections))


def _key(row: Row) -> tuple[str, ...]:
    return tuple(row[name] for name in _KEYS)


def _placed(row: Row, when: str) -> tuple[str, ...]:
    return (*(row[name] for name in _SHARED), row[f"price_{when}"], row[f"grade_{when}"])


def _undo(sums: dict[tuple[str, ...], _Sum], row: Row) -> None:
    for when, sign in (("after", -1), ("before", 1)):
        if row[f"grade_{when}"] != _UNKNOWN:
            key = _placed(row, when)
            calls, tokens, usd = sums.get(key, (0, 0, Decimal(0)))
            moved = total((usd, Decimal(row[f"cost_{when}_usd"]) * sign))
            sums[key] = calls + sign * row["calls"], tokens + sign * row["tokens"], moved


def _correction(row: Row) -> Mapping[str, object] | None:
    usd = difference(Decimal(row["cost_after_usd"]), Decimal(row["cost_before_usd"]))
    if not usd:
        return None
    known = "after" if row["grade_after"] != _UNKNOWN else "before"
    told = {"calls": 0, "tokens": 0, "cost_usd": plain(usd), "reason": row["reason"], "corrected": row["corrected"]}
    return dict(zip(_KEYS, _placed(row, known), strict=True)) | told
