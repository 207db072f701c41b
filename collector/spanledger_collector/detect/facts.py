"""Calls out of the query ``call_facts``, by place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.claims import total
from spanledger_collector.detect.finding import Claim, Evidence, Place
from spanledger_collector.detect.prompts import days, place

if TYPE_CHECKING:
    from spanledger_collector.detect.finding import Part, Row

Money = Callable[["Row"], "Decimal | None"]
MOST_TRACES: Final = 3


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of one place, oldest first; where there were more than were read, the newest."""

    place: Place
    rows: tuple[Row, ...]
    calls: int

    @property
    def scale(self) -> Decimal:
        return Decimal(self.calls) / len(self.rows)

    def evidence(self, rows: Iterable[Row] | None = None) -> Evidence:
        """Of all calls, or of those that show something."""
        shown = self.rows if rows is None else tuple(rows)
        return Evidence(len(self.rows), days(row["start"] for row in shown))

    def money(self, rows: Iterable[Row], part: Part, of: Money) -> tuple[Decimal | None, tuple[Claim, ...]]:
        """What these calls cost needlessly, all calls of the place counted; None where no cost is known."""
        claims = tuple(Claim(row["span_id"], part, usd) for row in rows if (usd := of(row)) is not None and usd > 0)
        return (total(claims) * self.scale if claims else None), claims


def by_place(rows: Iterable[Row]) -> Iterator[Calls]:
    found: dict[Place, list[Row]] = defaultdict(list)
    for row in rows:
        found[place(row)].append(row)
    for where, members in found.items():
        yield Calls(where, tuple(sorted(members, key=lambda row: row["start"])), members[0]["calls"])


def traces(rows: Iterable[Row]) -> tuple[str, ...]:
    """Of the newest."""
    return tuple(dict.fromkeys(row["trace_id"] for row in rows))[-MOST_TRACES:]


def cost(row: Row) -> Decimal | None:
    usd: Decimal | None = row["cost_usd"]
    return usd


def percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "0 %"
