"""The made-up month as a pure function: the calls of an hour depend on the plan and the hour, on nothing else."""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from spanledger import semconv
from spanledger_collector.demo.fleet.catalogue import ENVIRONMENT, Service
from spanledger_collector.demo.history.call import draw
from spanledger_collector.demo.history.incidents import effect_on, version_of
from spanledger_collector.demo.history.seasons import growth, traffic
from spanledger_collector.demo.history.sources import SOURCES, Source, call_line
from spanledger_collector.demo.history.wire import (
    SpanBytes,
    Value,
    encode_attributes,
    encode_resource_spans,
    encode_span,
)
from spanledger_collector.demo.prose import randomness

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from random import Random

    from spanledger_collector.demo.history.incidents import Effect

HOUR_NS = 3_600_000_000_000
HOURS = 30 * 24
MOST_SPANS = 4_000  # in one request: some five megabytes unpacked
INSTANCES = uuid.UUID("5d2f3c1e-7a64-4f0e-9a57-2c4f6b8d9e10")


@dataclass(frozen=True)
class Month:
    """``calls`` calls, more or less, in the thirty days before ``anchor_hour`` (hours since the epoch, UTC)."""

    calls: int
    anchor_hour: int
    scripts: Path  # where the services' scripts lie: their call sites
    ahead: int = 0  # hours by which the company's clock is before UTC

    @property
    def first_hour(self) -> int:
        return self.anchor_hour - HOURS

    def requests(self, hours: range, until_ns: int) -> Iterator[tuple[int, bytes]]:
        """(number of spans, bytes) of the export requests with the calls of some hours that started by ``until_ns``."""
        groups: defaultdict[tuple[Service, str], list[SpanBytes]] = defaultdict(list)
        for hour in self._own(hours):
            for source in SOURCES:
                made = self._hour(source, hour, effect_on(source.name, hour, self._anchor))
                version = version_of(source.service, hour, self._anchor)
                groups[source.service, version].extend(span for span in made if span.start_ns < until_ns)
        yield from _packed(groups)

    def _own(self, hours: range) -> range:
        """By the company's clock."""
        return range(hours.start + self.ahead, hours.stop + self.ahead)

    @property
    def _anchor(self) -> int:
        return self.anchor_hour + self.ahead

    @cached_property
    def _calls_per_traffic(self) -> float:
        hours = self._own(range(self.first_hour, self.anchor_hour))
        return self.calls / sum(self._weight(source, hour) for source in SOURCES for hour in hours)

    def _weight(self, source: Source, hour: int) -> float:
        if effect_on(source.name, hour, self._anchor).silent:
            return 0.0
        return source.share * self._level(source) * traffic(source.rhythm, hour) * growth(hour, self._anchor)

    def _level(self, source: Source) -> float:
        """Makes shares comparable: a source that works by night makes as many calls as one that works by day."""
        return _LEVELS[source.rhythm]

    def _hour(self, source: Source, hour: int, effect: Effect) -> Iterator[SpanBytes]:
        random = randomness(f"{self.calls}/{self.anchor_hour}/{source.name}/{hour}")
        count = int(self._weight(source, hour) * self._calls_per_traffic + random.random())
        starts = sorted(random.randrange(HOUR_NS) for _ in range(count))
        site = self._call_site(source)
        return (_span(source, random, effect, (hour - self.ahead) * HOUR_NS + start, site) for start in starts)

    def _call_site(self, source: Source) -> dict[str, Value]:
        return {
            semconv.CODE_FILE: str(self.scripts / source.service.script),
            semconv.CODE_LINE: call_line(source.service, source.function),
            semconv.CODE_FUNCTION: source.function,
        }


def _packed(groups: Mapping[tuple[Service, str], list[SpanBytes]]) -> Iterator[tuple[int, bytes]]:
    """Requests of at most MOST_SPANS; a request is its ResourceSpans one after another."""
    count, parts = 0, []
    for (service, version), spans in groups.items():
        resource = _resource(service, version)
        rest = spans
        while rest:
            part, rest = rest[: MOST_SPANS - count], rest[MOST_SPANS - count :]
            parts.append(encode_resource_spans(resource, part))
            count += len(part)
            if count == MOST_SPANS:
                yield count, b"".join(parts)
                count, parts = 0, []
    if parts:
        yield count, b"".join(parts)


_WEEK = range(7 * 24)
_LEVELS = {
    rhythm: len(_WEEK) / sum(traffic(rhythm, hour) for hour in _WEEK)
    for rhythm in {source.rhythm for source in SOURCES}
}


def _span(source: Source, random: Random, effect: Effect, start_ns: int, site: dict[str, Value]) -> SpanBytes:
    ids = random.randbytes(24)
    drawn = draw(source, random, effect)
    end_ns = start_ns + int(drawn.duration_s * 1e9)
    attributes = encode_attributes({**site, **drawn.values}, drawn.unique)
    return encode_span(ids, f"{source.operation} {source.model}", (start_ns, end_ns), attributes, failed=drawn.failed)


def _resource(service: Service, version: str) -> dict[str, Value]:
    return {
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "service.instance.id": str(uuid.uuid5(INSTANCES, f"{service.name}/{version}")),
        semconv.SERVICE_NAME: service.name,
        semconv.SERVICE_VERSION: version,
        semconv.ENVIRONMENT: ENVIRONMENT,
        semconv.DEMO: True,
    }
