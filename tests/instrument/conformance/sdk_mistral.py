"""mistralai: chat, its stream and its parse. One client has both twins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.instrument.conformance.sdk import PROMPT, QUESTION, Absent, Sdk
from tests.instrument.conformance.sdk_openai import PARAMETERS, Bird

if TYPE_CHECKING:
    from spanledger_collector.demo.simulator import Simulator

_CHAT: Final[Any] = {"model": "mistral-small-latest", "messages": QUESTION}
_TOOL: Final[Any] = {
    "type": "function",
    "function": {"name": "lookup", "description": PROMPT, "parameters": PARAMETERS},
}
_RAW: Final = Absent("the response is told to hooks only", "chat.with_raw_response")


class MistralClient:
    """The client with the suffix of one twin's methods."""

    def __init__(self, client: Any, suffix: str) -> None:
        self.whole, self.suffix = client, suffix

    def __call__(self, name: str, **arguments: Any) -> Any:
        return getattr(self.whole.chat, name + self.suffix)(**arguments)

    @property
    def chat(self) -> Any:
        return self.whole.chat

    @property
    def http(self) -> Any:
        settings = self.whole.sdk_configuration
        return settings.async_client if self.suffix else settings.client


def client(provider: Simulator, asynchronous: bool, options: dict[str, Any]) -> Any:  # noqa: FBT001 - as Sdk.client says
    from mistralai.client import Mistral
    from mistralai.client.utils import BackoffStrategy, RetryConfig

    more: dict[str, Any] = {}
    if options["max_retries"]:
        more["retry_config"] = RetryConfig("backoff", BackoffStrategy(1, 10, 1.0, 5000), retry_connection_errors=True)
    if "timeout" in options:
        more["timeout_ms"] = int(options["timeout"] * 1000)
    made = Mistral(api_key="test", server_url=provider.base_urls["mistral"], **more)
    return MistralClient(made, "_async" if asynchronous else "")


def _generated(client: MistralClient, messages: Any) -> Any:
    return client("complete", model="mistral-small-latest", messages=messages)


SDKS: Final = (
    Sdk(
        "mistral",
        "mistralai.client",
        client,
        {
            "plain": lambda c: c("complete", **_CHAT),
            "stream": lambda c: c("stream", **_CHAT),
            "parse": lambda c: c("parse", response_format=Bird, **_CHAT),
            "tool call": lambda c: c("complete", **_CHAT, tools=[_TOOL]),
            "raw": _RAW,
            "raw stream": _RAW,
            "streaming raw": _RAW,
            "generator": _generated,
        },
        {
            "prompt_tokens": 1200,
            "completion_tokens": 150,
            "total_tokens": 1350,
            "prompt_tokens_details": {"cached_tokens": 1024},
        },
        http=lambda client: client.http,
    ),
)
