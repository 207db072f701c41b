"""D18: fallbacks that became the rule, or that are missing when the provider is down."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import Calls, by_place, days, percent
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Row, Window
from spanledger_collector.detect.no_breaker import MIN_CALLS, MIN_DOWN, by_minute, longest_outage
from spanledger_collector.detect.rates import is_model, rates

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

STEADY: Final = 0.2  # of a day's calls to the first model
MIN_FALLBACKS: Final = 20

_SNIPPET = """\
try:
    reply = client.chat.completions.create(model=MODEL, messages=messages)
except (APIStatusError, APITimeoutError):
    reply = other_client.chat.completions.create(model=OTHER_MODEL, messages=messages)"""


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    places = list(by_place(ask("call_facts")))
    by_service: dict[str, list[Row]] = defaultdict(list)
    for calls in places:
        by_service[calls.place.service] += calls.rows
    for calls in places:
        rows = by_service[calls.place.service]
        yield from _always(calls, places, window)
        yield from _never(calls, rows, window)


def _always(calls: Calls, places: Sequence[Calls], window: Window) -> Iterator[Finding]:
    fell = [row for row in calls.rows if row["fallback_from"]]
    if len(fell) < MIN_FALLBACKS:
        return
    first = Counter(row["fallback_from"] for row in fell).most_common(1)[0][0]
    fell = [row for row in fell if row["fallback_from"] == first]
    share, shares = _shares(calls, fell, first, places)
    if len(shares) >= 2 and min(shares) > STEADY:  # noqa: PLR2004 - one day is an outage
        yield _steady(calls, fell, (share, len(shares)), rates(_rows(places), first), window)


def _rows(places: Iterable[Calls]) -> Iterator[Row]:
    return (row for calls in places for row in calls.rows)


def _shares(calls: Calls, fell: list[Row], first: str, places: Sequence[Calls]) -> tuple[float, list[float]]:
    """Of the calls that the first model got, how many went on to this one: in all, and by day."""
    tried: Counter[object] = Counter()
    for other in places:
        if (other.place.service, other.place.feature) == (calls.place.service, calls.place.feature):
            for row in other.rows:
                if is_model(row["model"], first) and not row["fallback_from"]:
                    tried[row["start"].date()] += float(other.scale)  # type: ignore[assignment]
    went = Counter(row["start"].date() for row in fell)
    scale = float(calls.scale)
    by_day = [went[day] * scale / number for day, number in tried.items() if number >= 1]
    whole = sum(tried.values())
    return (len(fell) * scale / whole if whole else 0.0), by_day


def _steady(
    calls: Calls, fell: list[Row], share: tuple[float, int], price: dict[str, Decimal] | None, window: Window
) -> Finding:
    money, claims = calls.money(fell, "call", lambda row: _more(row, price))
    first = fell[-1]["fallback_from"]
    more = "cost no more" if money is None else f"cost ${money:,.2f} more than the first model would have"
    return calls.finding(
        fell,
        window,
        (money, claims),
        detector="D18",
        category="dependency",
        title=f"Running on the fallback {calls.place.model} for {share[1]:,} days",
        why=(
            f"{share[0]:.0%} of the calls to {first} failed and were answered by {calls.place.model}, more than "
            f"{STEADY:.0%} on every day: the fallback has become the rule. With the same tokens its answers {more}."
        ),
        fix=Fix(f"Find out why calls to {first} fail, or make the fallback the first model and choose it knowingly."),
        verify=f"Less than {STEADY:.0%} of the calls to {first} go on to another model.",
        confidence="high",
    )


def _more(row: Row, price: dict[str, Decimal] | None) -> Decimal | None:
    if price is None or row["cost_usd"] is None:
        return None
    tokens = {"input": row["uncached_tokens"], "read": row["read_tokens"], "output": row["output_tokens"] or 0}
    return Decimal(row["cost_usd"]) - sum((price[part] * number for part, number in tokens.items()), Decimal(0))


def _never(calls: Calls, rows: list[Row], window: Window) -> Iterator[Finding]:
    minutes = by_minute(calls.rows)
    down = longest_outage(minutes)
    into = [row for minute in down for row in minutes[minute] if row["outcome"] == "error" and row["detailed"]]
    if len(down) < MIN_DOWN or len(into) < MIN_CALLS:
        return
    since, until = into[0]["start"], into[-1]["start"] + timedelta(minutes=1)
    during = [row for row in rows if since <= row["start"] <= until]
    if not any(row["fallback_from"] or row["fallback_to"] for row in during):
        yield _missing(calls, len(down), into, window)


def _missing(calls: Calls, minutes: int, into: list[Row], window: Window) -> Finding:
    return calls.finding(
        into,
        window,
        detector="D18",
        category="dependency",
        title=f"No fallback in an outage of {minutes:,} minutes",
        why=(
            f"{len(into):,} calls to {calls.place.provider} failed on {days(row['start'] for row in into):,} day from "
            f"{into[0]['start']:%d %b %H:%M} UTC on, {percent(len(into), len(calls.rows))} of this place's calls, and "
            "none of them was asked again of another model or answered in another way."
        ),
        fix=Fix("Ask another provider's model when this one fails, and say so in one line.", _SNIPPET),
        verify="In the next outage failed calls are followed by calls that name the model they stand in for.",
        confidence="medium",
    )


DETECTOR = Detector("D18", timedelta(days=7), find, claims="model", min_days=1)
