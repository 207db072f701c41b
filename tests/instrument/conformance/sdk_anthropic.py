"""anthropic: messages and beta messages, with their stream helpers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.instrument.conformance.sdk import PROMPT, QUESTION, Elsewhere, Sdk
from tests.instrument.conformance.sdk_openai import PARAMETERS, Bird

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanledger_collector.demo.simulator import Simulator

_MESSAGE: Final[Any] = {"model": "claude-sonnet-5", "max_tokens": 500, "messages": QUESTION, "system": PROMPT}
_TOOL: Final[Any] = {"name": "lookup", "description": PROMPT, "input_schema": PARAMETERS}
_USAGE: Final = {
    "input_tokens": 176,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 1024,
    "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
    "output_tokens": 150,
    "service_tier": "standard",
}


def client(provider: Simulator, asynchronous: bool, options: dict[str, Any]) -> Any:  # noqa: FBT001 - as Sdk.client says
    import anthropic

    made = anthropic.AsyncAnthropic if asynchronous else anthropic.Anthropic
    return made(base_url=provider.base_urls["anthropic"], api_key="test", **options)


def _ways(messages: Callable[[Any], Any]) -> dict[str, Any]:
    return {
        "plain": lambda c: messages(c).create(**_MESSAGE),
        "stream": lambda c: messages(c).create(**_MESSAGE, stream=True),
        "parse": lambda c: messages(c).parse(**_MESSAGE, output_format=Bird),
        "raw": lambda c: messages(c).with_raw_response.create(**_MESSAGE),
        "raw stream": lambda c: messages(c).with_raw_response.create(**_MESSAGE, stream=True),
        "streaming raw": lambda c: messages(c).with_streaming_response.create(**_MESSAGE),
        "tool call": lambda c: messages(c).create(**_MESSAGE, tools=[_TOOL]),
        "generator": lambda c, given: messages(c).create(**_MESSAGE | {"messages": given}),
    }


def _row(name: str, ways: dict[str, Any]) -> Sdk:
    return Sdk(name, "anthropic", client, ways, _USAGE, tokens=(1200, 150, 1024))


def _helper(row: str, messages: Callable[[Any], Any]) -> Sdk:
    ways: dict[str, Any] = dict.fromkeys(_ways(messages), Elsewhere(row))
    return _row(f"{row}-helper", ways | {"stream": lambda c: messages(c).stream(**_MESSAGE)})


MESSAGES: Final = _row("anthropic-messages", _ways(lambda c: c.messages))
BETA: Final = _row("anthropic-beta", _ways(lambda c: c.beta.messages))
SDKS: Final = (
    MESSAGES,
    BETA,
    _helper("anthropic-messages", lambda c: c.messages),
    _helper("anthropic-beta", lambda c: c.beta.messages),
)
