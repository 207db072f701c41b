"""What went wrong in the made-up month: each incident has a label, a working day before the anchor and an effect."""

from __future__ import annotations

from dataclasses import dataclass

from spanledger_collector.demo.fleet.catalogue import TRAVEL_AGENT, Service
from spanledger_collector.demo.history.seasons import HOURS_PER_DAY, is_weekend

FOR_EVER = 1_000_000  # hours


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


USUAL = Effect()


@dataclass(frozen=True, slots=True)
class Incident:
    """On the last working day that is ``days_before`` the anchor's or earlier, from an hour of it on, UTC."""

    label: str
    sources: tuple[str, ...]
    days_before: int
    from_hour: int
    hours: int
    effect: Effect = USUAL
    outside: Effect = USUAL

    def during(self, anchor_hour: int) -> range:
        """Its hours, counted since the epoch."""
        day = anchor_hour // HOURS_PER_DAY - self.days_before
        while is_weekend(day):
            day -= 1
        start = day * HOURS_PER_DAY + self.from_hour
        return range(start, start + self.hours)


OUTAGE = Incident(
    "failure spike: OpenAI answered almost every second call with 503 for three hours",
    ("answer", "hand-over", "respond"), 16, 13, 3, Effect(failure=Failure("InternalServerError", 503, share=0.45)),
)  # fmt: skip
LOST_CACHE = Incident(
    "cost jump: travel-agent 2.4.0 changed its instructions on every call and lost the prompt cache for four days",
    ("plan",), 9, 9, 4 * HOURS_PER_DAY, Effect(cache_lost=True),
)  # fmt: skip
UNPRICED = Incident(
    "unpriced model: ticket-triage moved a part of its calls to a model that no price list knows",
    ("classify-tuned",), 6, 0, FOR_EVER, outside=Effect(silent=True),
)  # fmt: skip
OVERLOAD = Incident(
    "failure spike: Anthropic was overloaded for two hours",
    ("plan", "title"), 2, 9, 2, Effect(failure=Failure("OverloadedError", 529, share=0.35)),
)  # fmt: skip
INCIDENTS = (OUTAGE, LOST_CACHE, UNPRICED, OVERLOAD)


def effect_on(source: str, hour: int, anchor_hour: int) -> Effect:
    """What holds for a source in an hour."""
    for incident in INCIDENTS:
        if source in incident.sources:
            effect = incident.effect if hour in incident.during(anchor_hour) else incident.outside
            if effect is not USUAL:
                return effect
    return USUAL


def version_of(service: Service, hour: int, anchor_hour: int) -> str:
    """Which version of a service ran then."""
    bad = LOST_CACHE.during(anchor_hour)
    if service is not TRAVEL_AGENT or hour >= bad.stop:
        return service.version
    return "2.4.0" if hour in bad else "2.3.7"
