"""What the simulated providers remember between requests, and how they behave when nobody scripts them."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from spanledger_collector.demo.faults import Allowance
from spanledger_collector.demo.prefix_cache import PrefixCache
from spanledger_collector.demo.script import NORMAL, Scripted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ANY_KEY = ""
SEED = 20_261_123


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Conditions:
    """How the providers behave unscripted. The default answers at once and never fails. Times in seconds."""

    first_token_s: float = 0.0
    token_s: float = 0.0  # for each token of output
    failure_share: float = 0.0  # of all requests, 0 to 1
    requests_per_minute: Mapping[str, int] = field(default_factory=dict)  # enforced, by API key
    recorded: int = 10_000  # requests kept for reading back


class ProviderState:
    """Caches, allowances, scripts and the requests seen. Used from the event loop and from tests' threads."""

    def __init__(self, conditions: Conditions) -> None:
        self.conditions = conditions
        self.cache = PrefixCache()
        self.kept: dict[str, Any] = {}
        self.requests: deque[RecordedRequest] = deque(maxlen=conditions.recorded)
        self.random = Random(SEED)  # noqa: S311 - no secret
        self._allowances: dict[str, Allowance] = {}
        self._scripts: defaultdict[str, deque[Scripted]] = defaultdict(deque)

    def add_script(self, replies: Iterable[object], key: str = ANY_KEY) -> int:
        """Queue replies for the next requests (of one API key). Raises ScriptInvalid before any is queued."""
        read = [reply if isinstance(reply, Scripted) else Scripted.read(reply) for reply in replies]
        self._scripts[key].extend(read)
        return len(read)

    def next_plan(self, key: str) -> Scripted:
        script = self._scripts.get(key) or self._scripts.get(ANY_KEY)
        return script.popleft() if script else NORMAL

    def allowance(self, key: str) -> Allowance:
        if key not in self._allowances:
            self._allowances[key] = Allowance(self.conditions.requests_per_minute.get(key))
        return self._allowances[key]

    def clear(self) -> None:
        """Forget the requests seen and the script."""
        self.requests.clear()
        self._scripts.clear()
