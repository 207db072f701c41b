"""How findings compare to the answer key: what is found, at which money, and what else is said."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.demo.pitfalls.answers import ANSWERS, Answer
from spanledger_collector.demo.pitfalls.week import CLEAN, PITFALLS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Row = dict[str, Any]  # of the query `findings`

# True of a pitfall that another detector is asked about: not a false alarm. By feature, with the reason.
BESIDE: Final[Mapping[str, frozenset[str]]] = {
    "nothing-marked": frozenset({"D27"}),  # what no cache takes are long instructions at the full price
    "ten-minutes-apart": frozenset({"D5", "D27"}),  # and what is written each time is never read
    "mark-too-far-back": frozenset({"D27"}),
    "written-never-read": frozenset({"D43"}),  # for its system message is another each time
    "history-cut-each-turn": frozenset({"D26"}),  # each turn sends the conversation again
    "no-breaker": frozenset({"D18"}),  # nor is there a fallback in the outage
    "": frozenset({"D12"}),  # in haste or in vain, requests sent again are requests sent again
}


@dataclass(frozen=True, slots=True)
class Score:
    """Of one detector: the money it found at its pitfall (None: none claimed), and its false alarms, in words."""

    detector: str
    answer: Answer
    found: bool
    usd: Decimal | None
    false_alarms: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Found, at the expected money within what the answer allows."""
        if not self.found or (self.usd is None) != (self.answer.usd is None):
            return False
        if self.usd is None or self.answer.usd is None:
            return True
        return abs(self.usd - self.answer.usd) <= max(Decimal("1e-9"), self.answer.within * self.answer.usd)


def scores(rows: Iterable[Row]) -> list[Score]:
    """One per pitfall, in their order."""
    said: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        said[row["detector"]].append(row)
    found = [_score(pitfall.detector, pitfall.feature, said.pop(pitfall.detector, [])) for pitfall in PITFALLS]
    return found + [_stranger(name, more) for name, more in said.items()]


def _stranger(detector: str, rows: list[Row]) -> Score:
    return Score(detector, Answer(), found=False, usd=None, false_alarms=tuple(map(_named, rows)))


def _score(detector: str, feature: str, rows: list[Row]) -> Score:
    own = [row for row in rows if row["service"] != CLEAN and row["feature"] in ("", feature)]
    others = [row for row in rows if row not in own and not _is_beside(row)]
    known = [row["money_usd"] + (row["overlap_usd"] or 0) for row in own if row["money_usd"] is not None]
    usd = sum(known, Decimal(0)) if known else None
    return Score(detector, ANSWERS[detector], bool(own), usd, tuple(map(_named, others)))


def _is_beside(row: Row) -> bool:
    return row["service"] != CLEAN and row["detector"] in BESIDE.get(row["feature"], ())


def _named(row: Row) -> str:
    return f"{row['service']} {row['feature']}: {row['title']}"
