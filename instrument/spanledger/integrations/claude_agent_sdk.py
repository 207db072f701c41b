"""claude-agent-sdk >= 0.2: each turn of an agent as structure, with the usage and the cost that its CLI reports.

The calls are made in another process, out of sight: this is no bill. The CLI's own telemetry is, where that is on.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from spanledger import semconv
from spanledger._guard import guarded
from spanledger._patch import Patch, unseen

from ._structure import Structure, opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

_ABOUT_TURNS: Final = ("assistant", "user", "stream_event", "result")
_USAGE: Final = (
    ("cache_read_input_tokens", semconv.USAGE_CACHE_READ),
    ("cache_creation_input_tokens", semconv.USAGE_CACHE_WRITE),
    ("output_tokens", semconv.USAGE_OUTPUT_TOKENS),
)


class _Turns:
    """Follows one connection's messages: a turn begins with the first about it, and ends with its result."""

    def __init__(self) -> None:
        self._turn: Structure | None = None
        self._model = ""
        self._total = Decimal(0)  # reported so far: the CLI tells the running total of the conversation

    def heard(self, message: dict[str, Any]) -> Structure | None:
        """The turn that is under way after `message`."""
        kind = message.get("type")
        if kind == "system":
            self._model = str(message.get("model") or self._model)
            if message.get("subtype") == "conversation_reset":
                self._total = Decimal(0)
        if kind in _ABOUT_TURNS or message.get("subtype") == "init":
            self._begin()
        if kind == "result":
            self._conclude(message)
        return self._turn

    def _begin(self) -> None:
        if self._turn is None:
            told = {semconv.PROVIDER_NAME: "anthropic"}
            if self._model:
                told[semconv.REQUEST_MODEL] = self._model
            self._turn = opened("claude-agent-sdk", "invoke_agent", "claude", told)

    def _conclude(self, result: dict[str, Any]) -> None:
        turn, self._turn = self._turn, None
        cost = self._cost(result.get("total_cost_usd"))
        if turn is None:
            return
        turn.attributes |= _usage(result.get("usage") or {})
        if cost is not None:
            turn.attributes[semconv.REPORTED_COST] = str(cost)
        if isinstance(result.get("session_id"), str):
            turn.attributes[semconv.CONVERSATION_ID] = result["session_id"]
        if result.get("is_error"):
            turn.attributes[semconv.ERROR_TYPE] = str(result.get("api_error_status") or result.get("subtype"))
        turn.finish()

    def _cost(self, total: Any) -> Decimal | None:
        """What one turn added to the running total, in USD."""
        if not isinstance(total, (int, float)):
            return None
        before, self._total = self._total, Decimal(str(total))
        return self._total - before if self._total >= before else self._total

    def left(self, turn: Structure | None, error: BaseException | None) -> None:
        """Nobody reads `turn` any more. A reader may be closed late, when the next turn has begun."""
        if turn is not None and turn is self._turn:
            self._turn = None
            turn.finish(error)


def _usage(usage: dict[str, Any]) -> dict[str, int]:
    """`input_tokens` leaves cached ones out here; on the span it includes them."""
    found = {key: usage[name] for name, key in _USAGE if isinstance(usage.get(name), int)}
    if isinstance(usage.get("input_tokens"), int):
        cached = found.get(semconv.USAGE_CACHE_READ, 0) + found.get(semconv.USAGE_CACHE_WRITE, 0)
        found[semconv.USAGE_INPUT_TOKENS] = usage["input_tokens"] + cached
    return found


_turns: WeakKeyDictionary[Any, _Turns] = WeakKeyDictionary()  # by connection: each turn may be read by itself


def _listening(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
    messages = wrapped(*args, **kwargs)
    turns = guarded(_turns.setdefault, instance, _Turns())
    return messages if turns is None else _listened(messages, turns)


@unseen
async def _listened(messages: Any, turns: _Turns) -> AsyncIterator[Any]:
    turn = None
    try:
        async for message in messages:
            turn = guarded(turns.heard, message)
            yield message
    except GeneratorExit:
        await messages.aclose()
        raise
    except BaseException as error:
        guarded(turns.left, turn, error)
        raise
    finally:
        guarded(turns.left, turn, None)


PATCHES: Final = (
    Patch("claude_agent_sdk._internal.query", "Query.receive_messages", asynchronous=False, around=_listening),
)
