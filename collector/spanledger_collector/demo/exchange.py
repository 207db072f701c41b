"""One request to a simulated endpoint and its answer, the same for every provider."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from spanledger_collector.demo.draft import Refused, compact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from spanledger_collector.demo.prefix_cache import PrefixCache
    from spanledger_collector.demo.prose import Json
    from spanledger_collector.demo.script import Scripted

BAD_REQUEST = 400
MOST_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request with what the provider knows around it."""

    body: Json
    key: str
    cache: PrefixCache
    day: date
    plan: Scripted
    path: Mapping[str, str] = field(default_factory=dict)  # parameters in the URL's path
    kept: dict[str, Any] = field(default_factory=dict)  # what the provider remembers, by id
    url: str = ""  # the provider's own, as the client reached it, without a path

    @property
    def scope(self) -> str:
        """Caches are kept apart by account and model."""
        return f"{self.key}\n{self.model}"

    @property
    def model(self) -> str:
        return self.path.get("model") or str(self.require("model"))

    @property
    def streamed(self) -> bool:
        return self.body.get("stream") is True

    def require(self, name: str) -> Any:
        """A field the provider cannot do without. Raises Refused."""
        if self.body.get(name) in (None, ""):
            raise Refused(BAD_REQUEST, f"Missing required parameter: '{name}'.", name)
        return self.body[name]

    def keep(self, name: str, value: Any) -> None:
        """Remember under an id; the oldest is forgotten beyond ``MOST_KEPT``."""
        self.kept[name] = value
        while len(self.kept) > MOST_KEPT:
            del self.kept[next(iter(self.kept))]

    def usage(self, counted: Json) -> Json:
        """What the reply reports: as counted, or as the script says."""
        return dict(counted if self.plan.usage is None else self.plan.usage)


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply: ``body`` when plain, else what a stream sends before, for and after the pieces of content."""

    input_tokens: int
    output_tokens: int
    body: Json | list[Json] | bytes | None = None
    head: Sequence[str | bytes] = ()
    pieces: Sequence[str | bytes] = ()
    tail: Sequence[str | bytes] = ()
    media: str = ""  # content type where it is neither JSON nor server-sent events
    headers: Mapping[str, str] = field(default_factory=dict)


def event(data: Json, name: str = "") -> str:
    """One server-sent event."""
    return (f"event: {name}\n" if name else "") + f"data: {compact(data)}\n\n"


def tokens(usage: Json, *names: str) -> int:
    """The sum of the counts named; one missing or null counts nothing."""
    return sum(int(usage.get(name) or 0) for name in names)
