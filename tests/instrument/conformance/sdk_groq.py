"""groq: chat completions, OpenAI's in an SDK of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.instrument.conformance.sdk import QUESTION, Absent, Sdk
from tests.instrument.conformance.sdk_openai import CHAT_USAGE, TOOL

if TYPE_CHECKING:
    from spanledger_collector.demo.simulator import Simulator

_CHAT: Final[Any] = {"model": "llama-3.3-70b-versatile", "messages": QUESTION}


def client(provider: Simulator, asynchronous: bool, options: dict[str, Any]) -> Any:  # noqa: FBT001 - as Sdk.client says
    import groq

    made = groq.AsyncGroq if asynchronous else groq.Groq
    return made(base_url=provider.base_urls["groq"], api_key="test", **options)


def _generated(client: Any, messages: Any) -> Any:
    return client.chat.completions.create(model="llama-3.3-70b-versatile", messages=messages)


SDKS: Final = (
    Sdk(
        "groq",
        "groq",
        client,
        {
            "plain": lambda c: c.chat.completions.create(**_CHAT),
            "stream": lambda c: c.chat.completions.create(**_CHAT, stream=True),
            "parse": Absent(
                "a schema is given, the reply's text is the application's to parse", "chat.completions.parse"
            ),
            "raw": lambda c: c.chat.completions.with_raw_response.create(**_CHAT),
            "raw stream": lambda c: c.chat.completions.with_raw_response.create(**_CHAT, stream=True),
            "streaming raw": lambda c: c.chat.completions.with_streaming_response.create(**_CHAT),
            "tool call": lambda c: c.chat.completions.create(**_CHAT, tools=[TOOL]),
            "generator": _generated,
        },
        CHAT_USAGE,
    ),
)
