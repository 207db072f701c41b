"""ollama: chat and generate; what streams is a plain generator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.instrument.conformance.sdk import PROMPT, QUESTION, Absent, Differs, Sdk
from tests.instrument.conformance.sdk_openai import PARAMETERS

if TYPE_CHECKING:
    from spanledger_collector.demo.simulator import Simulator

_CHAT: Final[Any] = {"model": "llama3.2", "messages": QUESTION}
_TOOL: Final[Any] = {
    "type": "function",
    "function": {"name": "lookup", "description": PROMPT, "parameters": PARAMETERS},
}
_RAW: Final = Absent("replies are models only", "with_raw_response")


def client(provider: Simulator, asynchronous: bool, options: dict[str, Any]) -> Any:  # noqa: FBT001 - as Sdk.client says
    import ollama

    timeout = {"timeout": options["timeout"]} if "timeout" in options else {}
    return (ollama.AsyncClient if asynchronous else ollama.Client)(host=provider.base_urls["ollama"], **timeout)


def _generated(client: Any, messages: Any) -> Any:
    return client.chat(model="llama3.2", messages=messages)


SDKS: Final = (
    Sdk(
        "ollama",
        "ollama",
        client,
        {
            "plain": lambda c: c.chat(**_CHAT),
            "stream": lambda c: c.chat(**_CHAT, stream=True),
            "tool call": lambda c: c.chat(**_CHAT, tools=[_TOOL]),
            "parse": Absent("a schema is given, the reply's text is the application's to parse", "parse"),
            "raw": _RAW,
            "raw stream": _RAW,
            "streaming raw": _RAW,
            "generator": _generated,
        },
        {"prompt_eval_count": 1200, "eval_count": 150},
        tokens=(1200, 150, None),
        unsent=("never iterated",),  # a generator that sends when read
        differs={"retried": Differs("the SDK never retries", "error", ("absent",))},
    ),
)
