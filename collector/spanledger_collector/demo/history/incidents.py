"""What went wrong in the made-up month: each incident has a label, a time before the anchor and an effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spanledger_collector.demo.fleet.catalogue import TRAVEL_AGENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanledger_collector.demo.fleet.catalogue import Service

HOURS_PER_DAY = 24


@dataclass(frozen=True, slots=True)
class Failure:
    """How a provider fails: the SDK's exception and the status it is raised for (0: no response came)."""

    error: str
    status: int
    share: float
    attempts: int = 3


@dataclass(frozen=True, slots=True)
class Effect:
    """What differs from the usual."""

    failure: Failure | None = None
    cache_lost: bool = False
    silent: bool = False  # no calls at all


@dataclass(frozen=True, slots=True)
class Incident:
    """``begins`` and ``ends`` are hours before the anchor."""

    label: str
    sources: tuple[str, ...]
    begins: int
    ends: int
    effect: Effect
    told: int = 0  # when a reader sees it begin, where that is not ``begins``

    @property
    def seen(self) -> int:
        """Hours before the anchor at which it shows on a page."""
        return self.told or self.begins

    def covers(self, source: str, hours_before: int) -> bool:
        return source in self.sources and self.ends < hours_before <= self.begins


OUTAGE = Failure("InternalServerError", 503, share=0.45)
OVERLOAD = Failure("OverloadedError", 529, share=0.35)
BEFORE_TUNING = 10_000  # hours: longer than any history

INCIDENTS: tuple[Incident, ...] = (
    Incident(
        "failure spike: OpenAI answered almost every second call with 503 for three hours",
        ("answer", "hand-over", "respond"), 16 * HOURS_PER_DAY, 16 * HOURS_PER_DAY - 3, Effect(failure=OUTAGE),
    ),
    Incident(
        "cost jump: travel-agent 2.4.0 changed its instructions on every call and lost the prompt cache",
        ("plan",), 9 * HOURS_PER_DAY, 5 * HOURS_PER_DAY, Effect(cache_lost=True),
    ),
    Incident(
        "unpriced model: ticket-triage moved a part of its calls to a model that no price list knows",
        ("classify-tuned",), BEFORE_TUNING, 6 * HOURS_PER_DAY, Effect(silent=True), told=6 * HOURS_PER_DAY,
    ),
    Incident(
        "failure spike: Anthropic was overloaded for two hours",
        ("plan", "title"), 2 * HOURS_PER_DAY, 2 * HOURS_PER_DAY - 2, Effect(failure=OVERLOAD),
    ),
)  # fmt: skip

USUAL = Effect()
# Which version ran until how many hours before the anchor, oldest first; afterwards the catalogue's.
EARLIER_VERSIONS = {TRAVEL_AGENT.name: ((9 * HOURS_PER_DAY, "2.3.7"), (5 * HOURS_PER_DAY, "2.4.0"))}


def effect_on(source: str, hours_before: int, incidents: Sequence[Incident] = INCIDENTS) -> Effect:
    """What holds for a source so many hours before the anchor."""
    return next((each.effect for each in incidents if each.covers(source, hours_before)), USUAL)


def version_of(service: Service, hours_before: int) -> str:
    """Which version of a service ran then."""
    earlier = EARLIER_VERSIONS.get(service.name, ())
    return next((version for until, version in earlier if hours_before > until), service.version)
