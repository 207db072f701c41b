"""The seeded pitfalls as OTLP, hour by hour: a pure function of the hour, as the made-up month around them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Final

from spanledger import semconv
from spanledger_collector.demo.fleet.catalogue import ENVIRONMENT
from spanledger_collector.demo.history.wire import (
    SpanBytes,
    Value,
    encode_attributes,
    encode_resource_spans,
    encode_span,
)
from spanledger_collector.demo.pitfalls.caches import CACHES
from spanledger_collector.demo.pitfalls.calls import CALL_PITFALLS
from spanledger_collector.demo.pitfalls.providers import PROVIDERS
from spanledger_collector.demo.pitfalls.seeded import CLIENT, DAYS, Day, Made, Pitfall, identity

if TYPE_CHECKING:
    from collections.abc import Iterator

PITFALLS: Final = (*CACHES, *CALL_PITFALLS, *PROVIDERS)
LEAKY: Final = "leaky-desk"
CLEAN: Final = "tidy-desk"
HOUR_NS: Final = 3600 * 10**9
DAY_NS: Final = 24 * HOUR_NS
FROM_HOUR: Final = 8  # UTC: the last of a day's calls come before midnight
TEAM: Final = "research"


@dataclass(frozen=True, slots=True)
class Week:
    """Pitfalls and their clean twins on the days before ``anchor_hour`` (hours since the epoch) and on all since."""

    anchor_hour: int

    def requests(self, hours: range, until_ns: int) -> Iterator[tuple[int, bytes]]:
        """(number of spans, bytes) of export requests with the spans of some hours that started by ``until_ns``."""
        for leaky in (True, False):
            for day in sorted({hour // 24 for hour in hours}):
                made = Day(day - (self.anchor_hour // 24 - DAYS), leaky)
                spans = [
                    span
                    for span in _spans(made, day * DAY_NS)
                    if span.start_ns // HOUR_NS in hours and span.start_ns < until_ns
                ]
                if spans:
                    yield len(spans), encode_resource_spans(_resource(made), spans)


def _spans(day: Day, midnight_ns: int) -> Iterator[SpanBytes]:
    for line, pitfall in enumerate(PITFALLS):
        if day.number < DAYS - pitfall.days:
            continue
        start_ns = midnight_ns + FROM_HOUR * HOUR_NS + (line * 5 + pitfall.starts_s(day)) * 10**9
        places = count()
        for number, made in enumerate(pitfall.made(replace(day, feature=pitfall.feature))):
            at_s = made.at_s if made.at_s is not None else next(places) * pitfall.gap_s
            yield _span(pitfall, day, replace(made, at_s=at_s), number, start_ns)


def _span(pitfall: Pitfall, day: Day, made: Made, number: int, start_ns: int) -> SpanBytes:
    seed = (pitfall.feature, day.leaky)
    begin = start_ns + int((made.at_s or 0) * 1e9)
    ids = identity(*seed, made.trace or day.key(number))[:16] + _id(pitfall, day, made, number)
    parent = identity(*seed, "span", made.parent)[:8] if made.parent else b""
    values = dict(made.values)
    if made.judges:
        values[semconv.JUDGED_SPAN_ID] = identity(*seed, "span", made.judges)[:8].hex()
    site: dict[str, Value] = {semconv.TAG_PREFIX + "feature": pitfall.feature, semconv.TAG_PREFIX + "team": TEAM}
    if made.kind == CLIENT:
        site |= {semconv.CODE_FILE: f"{pitfall.feature}.py", semconv.CODE_LINE: made.line}
    times = begin, begin + int(made.duration_s * 1e9)
    name = made.name or f"chat {values.get(semconv.REQUEST_MODEL, '')}"
    attributes = encode_attributes(site, values)
    return encode_span(ids, name, times, attributes, failed=made.failed, kind=made.kind, parent=parent)


def _id(pitfall: Pitfall, day: Day, made: Made, number: int) -> bytes:
    """Of a span that others name: by its name."""
    named = ("span", made.name) if made.name else ("call", day.key(number))
    return identity(pitfall.feature, day.leaky, *named)[:8]


def _resource(day: Day) -> dict[str, Value]:
    return {
        semconv.SERVICE_NAME: LEAKY if day.leaky else CLEAN,
        semconv.SERVICE_VERSION: day.version,
        semconv.ENVIRONMENT: ENVIRONMENT,
        semconv.DEMO: True,
    }
