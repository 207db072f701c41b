"""Calls out of the query ``call_facts``, by place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.detect.claims import total
from spanledger_collector.detect.finding import Claim, Evidence, Finding, Place

if TYPE_CHECKING:
    from spanledger_collector.detect.finding import MoneyGrade, Part, Row, Window

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
        sampled = self.calls > len(self.rows)  # the newest: their days are not all there were
        return Evidence(len(self.rows), self.rows[0]["days"] if sampled else days(row["start"] for row in shown))

    def money(self, rows: Iterable[Row], part: Part, of: Money) -> tuple[Decimal | None, tuple[Claim, ...]]:
        """What these calls cost needlessly, all calls of the place counted; None where no cost is known."""
        claims = tuple(Claim(row["span_id"], part, usd) for row in rows if (usd := of(row)) is not None and usd > 0)
        return (total(claims) * self.scale if claims else None), claims

    def finding(
        self,
        shown: Sequence[Row],
        window: Window,
        money: tuple[Decimal | None, tuple[Claim, ...]] = (None, ()),
        grade: MoneyGrade = "modelled",
        **said: Any,
    ) -> Finding:
        """About this place, with the calls that show it as evidence; ``said``: the other fields of a Finding."""
        return Finding(
            place=self.place,
            window=window,
            trace_ids=traces(shown),
            money_usd=money[0],
            money_grade="none" if money[0] is None else grade,
            evidence=self.evidence(shown),
            claims=money[1],
            **said,
        )


class Answer(list["Row"]):
    """The rows of a query that several detectors look at by place: sorted once."""

    @cached_property
    def placed(self) -> dict[Place, tuple[Row, ...]]:
        return _placed(self)


def placed(rows: Iterable[Row]) -> dict[Place, tuple[Row, ...]]:
    """Of each place, oldest first."""
    return rows.placed if isinstance(rows, Answer) else _placed(rows)


def _placed(rows: Iterable[Row]) -> dict[Place, tuple[Row, ...]]:
    found: dict[Place, list[Row]] = defaultdict(list)
    for row in rows:
        found[place(row)].append(row)
    return {where: tuple(sorted(members, key=itemgetter("start"))) for where, members in found.items()}


def by_place(rows: Iterable[Row]) -> Iterator[Calls]:
    for where, members in placed(rows).items():
        yield Calls(where, members, members[0]["calls"])


def traces(rows: Iterable[Row]) -> tuple[str, ...]:
    """Of the newest."""
    return tuple(dict.fromkeys(row["trace_id"] for row in rows))[-MOST_TRACES:]


def place(row: Row) -> Place:
    return Place(row["service"], row["feature"], row["provider"], row["model"], row["call_site"])


def days(moments: Iterable[Any]) -> int:
    """On how many UTC days."""
    return len({moment.date() for moment in moments})


def cost(row: Row) -> Decimal | None:
    usd: Decimal | None = row["cost_usd"]
    return usd


def validated(row: Row) -> str:
    """``ok`` or ``failed`` where a reply was checked, by the SDK or later by whoever used it; else nothing."""
    found = row["validation"], row["checked"]
    return "failed" if "failed" in found else str(found[0] or found[1] or "")


def misfits(row: Row) -> set[tuple[str, str]]:
    """Fields that did not fit and how, by whichever check failed."""
    by = "validation" if row["validation"] == "failed" else "checked"
    return set(zip(row[f"{by}_fields"] or (), row[f"{by}_errors"] or (), strict=False))


def percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "0 %"
