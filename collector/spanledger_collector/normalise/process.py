"""What a process says of itself, in its resource: read once for all spans that share it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spanledger import semconv
from spanledger_collector.normalise.scalars import text
from spanledger_collector.normalise.shapes import shape_of

if TYPE_CHECKING:
    from spanledger_collector.model import Attributes, AttributeValue
    from spanledger_collector.normalise.shapes import Aliases


@dataclass(frozen=True, slots=True)
class Process:
    """The parts of a resource that its calls carry; an empty text where it says nothing."""

    service: str
    version: str
    environment: str
    demo: bool
    tags: dict[str, str]  # shared by its calls: nobody may change it


# The last one read. Spans come by resource, so the next nearly always has the same; holding it keeps its identity.
_last: tuple[Attributes, Aliases, Process] | None = None


def process_of(resource: Attributes, aliases: Aliases) -> Process:
    """By the object, not by what it holds: a resource is never changed once it is read."""
    global _last  # noqa: PLW0603 - swapped whole, so threads may share it
    last = _last
    if last is not None and last[0] is resource and last[1] is aliases:
        return last[2]
    found = _read(resource, aliases)
    _last = resource, aliases, found
    return found


def _read(resource: Attributes, aliases: Aliases) -> Process:
    return Process(
        text(resource.get(semconv.SERVICE_NAME)),
        text(resource.get(semconv.SERVICE_VERSION)),
        _environment(resource, aliases),
        text(resource.get(semconv.DEMO)) == "true",
        {tag: text(resource[name]) for tag, name in shape_of(resource, aliases).tags},
    )


def _environment(resource: Attributes, aliases: Aliases) -> str:
    names = (semconv.ENVIRONMENT, *aliases.get(semconv.ENVIRONMENT, ()))
    return text(_first(resource, names))


def _first(attributes: Attributes, names: tuple[str, ...]) -> AttributeValue:
    return next((value for name in names if (value := attributes.get(name)) is not None), None)
