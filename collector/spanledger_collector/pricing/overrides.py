"""Price lines from files: the deployment's own (contracts, fine-tunes, new models) and our patches of the book.

[[price]]
provider = "openai"             # as in the price book; "*" for any
model = "ft:gpt-4.1:acme:*"     # * and ? match any text
from = 2026-01-01               # optional, first day (UTC); "until" is the first day after
weekdays = ["saturday"]         # optional; and hours = ["01:00-04:00"], UTC, for prices by the time of day
service_tier = "batch"          # optional; without it the line is for standard calls
above = 200000                  # optional: only for calls of more input tokens than that
input = "1.80"                  # US dollars per million tokens; also cache_read, output, ...
web_searches = "10"             # per thousand, as every part that is no token; audio_seconds per hour
discount = "0.15"               # instead of rates: 15 % off the book's
unpriced = ["cache_read"]       # parts of which the line says that their price is not known
alias_only = true               # only for calls that name this very model, not its snapshots
source = "order form 4711"
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from spanledger_collector.pricing.documents import Table, tables
from spanledger_collector.pricing.rates import PARTS, scale

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_WHO = ("provider", "model", "alias_only", "lists", "service_tier", "above")
_KEYS = (*PARTS, *_WHO, "from", "until", "weekdays", "hours", "discount", "free", "unpriced", "source")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One ``[[price]]`` of a file."""

    provider: str
    model: str
    since: datetime | None
    until: datetime | None
    weekdays: frozenset[int]  # Monday is 0; empty for every day
    hours: tuple[tuple[time, time], ...]  # half-open, UTC; empty for the whole day
    service_tier: str
    above: int  # input tokens above which it holds; -1 for any
    alias_only: bool
    lists: bool  # stands by itself, for a model that the book does not list
    rates: Mapping[str, Decimal]  # US dollars per single unit
    unpriced: frozenset[str]
    discount: Decimal  # share of the book's rates that is not charged
    free: bool
    source: str
    place: str

    def applies(self, provider: str, model: str) -> bool:
        """Whether the line is for that model, at some time."""
        return self.provider in (provider, "*") and fnmatchcase(model.lower(), self.model)

    def holds(self, moment: datetime) -> bool:
        """Whether the line is in force at that time (UTC)."""
        started = self.since is None or moment >= self.since
        ended = self.until is not None and moment >= self.until
        return started and not ended and (not self.weekdays or moment.weekday() in self.weekdays) and self._hour(moment)

    def _hour(self, moment: datetime) -> bool:
        return not self.hours or any(first <= moment.time() < last for first, last in self.hours)


def read(path: Path) -> list[PriceLine]:
    """The lines of a price file; raises PriceFileError with the line, the value and the remedy."""
    return [line_of(table) for table in tables(path, "price")]


def line_of(table: Table) -> PriceLine:
    """One line; raises PriceFileError with the place, the value and the remedy."""
    table.only(_KEYS)
    rates = {part: scale(part, rate) for part in PARTS if (rate := table.amount(part)) is not None}
    discount = table.amount("discount") or Decimal(0)
    free = table.values.get("free") is True
    if discount >= 1:
        raise table.refuse(f"'discount' is {discount}; write the share that is taken off, as in discount = \"0.15\"")
    unpriced = _parts(table, "unpriced")
    if not rates and not discount and not free and not unpriced:
        raise table.refuse('the line gives no price; add input = "...", output = "...", a discount, or free = true')
    since, until = table.moment("from"), table.moment("until")
    if since and until and until <= since:
        raise table.refuse(f"'until' {until} is not after 'from' {since}; 'until' is when the line no longer holds")
    return PriceLine(
        provider=table.text("provider").lower(),
        model=table.text("model").lower(),
        since=since,
        until=until,
        weekdays=_weekdays(table),
        hours=tuple(_hours(table, text) for text in table.texts("hours")),
        service_tier=table.text("service_tier").lower() if "service_tier" in table.values else "",
        above=_above(table),
        alias_only=table.values.get("alias_only") is True,
        lists=table.values.get("lists") is True,
        rates=rates,
        unpriced=unpriced,
        discount=discount,
        free=free,
        source=table.text("source") if "source" in table.values else "",
        place=table.place,
    )


def line_of_json(values: Mapping[str, Any], name: str) -> PriceLine:
    """A line from JSON, in which days and times are texts. Raises PriceFileError."""
    typed = {key: _moment(value) if key in {"from", "until"} else value for key, value in values.items()}
    return line_of(Table(typed, f"price line '{name}'"))


def _moment(value: object) -> object:
    """A day or a time where the text is one; else as it is, for the check to name."""
    if not isinstance(value, str):
        return value
    with suppress(ValueError):
        return date.fromisoformat(value)
    with suppress(ValueError):
        return datetime.fromisoformat(value.replace("Z", "+00:00"))
    return value


def _weekdays(table: Table) -> frozenset[int]:
    names = [name.lower() for name in table.texts("weekdays")]
    for name in names:
        if name not in _WEEKDAYS:
            raise table.refuse(f"'weekdays' has '{name}'; use {', '.join(_WEEKDAYS)}")
    return frozenset(_WEEKDAYS.index(name) for name in names)


def _hours(table: Table, text: str) -> tuple[time, time]:
    try:
        first, last = (time.fromisoformat(each) for each in text.split("-"))
    except ValueError:
        first = last = time()
    if not first < last or first.tzinfo or last.tzinfo:
        raise table.refuse(f"'hours' has '{text}'; write hours of one UTC day, such as \"01:00-04:00\"")
    return first, last


def _parts(table: Table, key: str) -> frozenset[str]:
    names = table.texts(key)
    for name in names:
        if name not in PARTS:
            raise table.refuse(f"'{key}' has '{name}'; use {', '.join(PARTS)}")
    return frozenset(names)


def _above(table: Table) -> int:
    above = table.values.get("above", -1)
    if isinstance(above, bool) or not isinstance(above, int) or above < -1:
        raise table.refuse(f"'above' is {above!r}; write a number of input tokens: above = 200000")
    return above


def matching(
    lines: Sequence[PriceLine], provider: str, asked: Sequence[str], listed: str, service_tier: str
) -> list[PriceLine]:
    """The lines for a model under any of its names, for one service tier, at any time; the last one wins."""
    return [line for line in lines if line.service_tier == service_tier and _matches(line, provider, asked, listed)]


def _matches(line: PriceLine, provider: str, asked: Sequence[str], listed: str) -> bool:
    names = asked if line.alias_only else [*asked, listed]
    return any(line.applies(provider, one) for one in names)
