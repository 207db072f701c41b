"""cohere: chat of both versions and its stream."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from tests.instrument.conformance.sdk import PROMPT, QUESTION, Absent, Sdk
from tests.instrument.conformance.sdk_openai import PARAMETERS

if TYPE_CHECKING:
    from spanledger_collector.demo.simulator import Simulator

_CHAT: Final[Any] = {"model": "command-a-03-2025", "messages": QUESTION}
_CHAT_V1: Final[Any] = {"model": "command-a-03-2025", "message": PROMPT}
_TOOL: Final[Any] = {
    "type": "function",
    "function": {"name": "lookup", "description": PROMPT, "parameters": PARAMETERS},
}
_TOOL_V1: Final[Any] = {
    "name": "lookup",
    "description": PROMPT,
    "parameter_definitions": {"bird": {"type": "str", "description": PROMPT, "required": True}},
}
_USAGE: Final = {
    "billed_units": {"input_tokens": 176, "output_tokens": 150},
    "tokens": {"input_tokens": 1200, "output_tokens": 150},
    "cached_tokens": 1024,
}
_UNSENT: Final = ("never iterated",)  # a generator that sends when read
_NO_PARSE: Final = Absent("a schema is given, the reply's text is the application's to parse", "chat.parse")
_NO_LAZY_RAW: Final = Absent("a raw response is read", "with_streaming_response")


def client(
    kind: str, provider: Simulator, asynchronous: bool, options: dict[str, Any]  # noqa: FBT001 - as Sdk.client says
) -> Any:  # fmt: skip
    import cohere

    timeout = {"timeout": options["timeout"]} if "timeout" in options else {}
    made = getattr(cohere, f"Async{kind}" if asynchronous else kind)
    return made("test", base_url=provider.base_urls["cohere"], **timeout)


def _http(client: Any) -> Any:
    return client._client_wrapper.httpx_client.httpx_client


def _generated(client: Any, messages: Any) -> Any:
    return client.chat(model="command-a-03-2025", messages=messages)


SDKS: Final = (
    Sdk(
        "cohere",
        "cohere",
        partial(client, "ClientV2"),
        {
            "plain": lambda c: c.chat(**_CHAT),
            "stream": lambda c: c.chat_stream(**_CHAT),
            "tool call": lambda c: c.chat(**_CHAT, tools=[_TOOL]),
            "raw": lambda c: c.with_raw_response.chat(**_CHAT),
            "raw stream": lambda c: c.with_raw_response.chat_stream(**_CHAT),
            "streaming raw": _NO_LAZY_RAW,
            "parse": _NO_PARSE,
            "generator": _generated,
        },
        _USAGE,
        http=_http,
        unsent=_UNSENT,
    ),
    Sdk(
        "cohere-v1",
        "cohere",
        partial(client, "Client"),
        {
            "plain": lambda c: c.chat(**_CHAT_V1),
            "stream": lambda c: c.chat_stream(**_CHAT_V1),
            "tool call": lambda c: c.chat(**_CHAT_V1, tools=[_TOOL_V1]),
            "raw": lambda c: c.with_raw_response.chat(**_CHAT_V1),
            "raw stream": lambda c: c.with_raw_response.chat_stream(**_CHAT_V1),
            "streaming raw": _NO_LAZY_RAW,
            "parse": _NO_PARSE,
            "generator": Absent("its message is one text", "messages"),
        },
        _USAGE,
        http=_http,
        unsent=_UNSENT,
    ),
)
