"""Tokens of calls that reported none, from measured calls of the same model at the same call site, and their band."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from spanledger_collector.ledger.stored import rfc3339
from spanledger_collector.model import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from spanledger_collector.ledger.stored import RunQuery
    from spanledger_collector.model import Call, Cost

FEWEST: Final = 20  # measured calls, below which nothing is modelled
LOOK_BACK: Final = timedelta(days=30)
_NOT_ANSWERED: Final = frozenset({"error"})

Site = tuple[str, str, str, str, str, int]
Ends = tuple[float, float, float]  # the 10th, 50th and 90th of 100 measured calls


@dataclass(frozen=True, slots=True)
class Ratios:
    """Tokens per character at one call site."""

    calls: int
    cached_share: float  # of the input
    input: Ends
    output: Ends

    def usage(self, input_chars: int, output_chars: int, end: int) -> Usage:
        tokens = round(input_chars * self.input[end])
        cached = round(tokens * self.cached_share)
        output = round(output_chars * self.output[end])
        return Usage(uncached_input=tokens - cached, cache_read=cached, output=output, grade="modelled")


RatiosBySite: TypeAlias = "Mapping[Site, Ratios]"


class TokenModel:
    """Prices like the book, and models what it cannot know. Safe from any thread: ratios are swapped whole."""

    def __init__(self, run_query: RunQuery, price: Callable[[Call], Cost]) -> None:
        self._run_query, self._price = run_query, price
        self.ratios: RatiosBySite = {}

    def refresh(self, now: datetime) -> None:
        """Learn from the last thirty days."""
        window = {"from": [rfc3339(now - LOOK_BACK)], "to": [rfc3339(now)]}
        rows = self._run_query("token_ratios", window).to_pylist()
        self.ratios = {
            tuple(row[name] for name in _SITE): Ratios(row["calls"], row["cached_share"], *map(_ends(row), _SIDES))
            for row in rows
            if row["calls"] >= FEWEST
        }

    def price(self, call: Call) -> Cost:
        return price(call, self.ratios, self._price)


def price(call: Call, by_site: RatiosBySite, known: Callable[[Call], Cost]) -> Cost:
    """The known price; where a stream reported no usage, that of modelled tokens, graded so, with its band."""
    if not _is_untold(call) or not (ratios := by_site.get(_site(call))):
        return known(call)
    assert call.input_chars is not None
    assert call.output_chars is not None
    low, high, middle = (_at(call, ratios, end, known) for end in (0, 2, 1))
    if middle.total is None:
        return middle
    reason = f"tokens modelled from {ratios.calls} measured calls of this model at this call site"
    return replace(middle, low=low.total, high=high.total, reason=reason)


def _at(call: Call, ratios: Ratios, end: int, known: Callable[[Call], Cost]) -> Cost:
    call.usage = ratios.usage(call.input_chars or 0, call.output_chars or 0, end)
    return known(call)


_SITE: Final = ("provider", "model", "service", "prompt_name", "code_file", "code_line")
_SIDES: Final = ("input", "output")


def _ends(row: dict[str, float]) -> Callable[[str], Ends]:
    return lambda side: (row[f"{side}_low"], row[f"{side}_middle"], row[f"{side}_high"])


def _site(call: Call) -> Site:
    return call.provider, call.model, call.service, call.prompt_name, call.code_file, call.code_line


def _is_untold(call: Call) -> bool:
    """Answered, with its characters counted, and without a word on tokens or money."""
    told = (
        (call.usage is not None and call.usage.grade != "absent") or call.usage_note or call.reported_cost is not None
    )
    counted = call.input_chars is not None and call.output_chars is not None
    return not told and counted and call.outcome not in _NOT_ANSWERED
