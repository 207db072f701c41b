"""google-genai on the Gemini API: generate_content and its stream, embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel
from tests.instrument.conformance.sdk import PROMPT, Absent, Differs, Sdk
from tests.instrument.conformance.sdk_openai import PARAMETERS

if TYPE_CHECKING:
    from spanledger_collector.demo.simulator import Simulator


class Parrot(BaseModel):
    name: str
    age: int


_ASK: Final[Any] = {"model": "gemini-2.5-flash", "contents": PROMPT}
_SCHEMA: Final[Any] = {"response_mime_type": "application/json", "response_schema": Parrot}
_TOOL: Final[Any] = {"function_declarations": [{"name": "lookup", "description": PROMPT, "parameters": PARAMETERS}]}


class GoogleClient:
    """One half of the client, sync or async."""

    def __init__(self, client: Any, *, asynchronous: bool) -> None:
        self.whole = client
        self.models = client.aio.models if asynchronous else client.models


def client(provider: Simulator, asynchronous: bool, options: dict[str, Any]) -> Any:  # noqa: FBT001 - as Sdk.client says
    from google import genai

    http: dict[str, Any] = {"base_url": provider.base_urls["gemini"]}
    http["retry_options"] = {"attempts": options["max_retries"] + 1, "initial_delay": 0.01, "max_delay": 0.01}
    if "timeout" in options:
        http["timeout"] = int(options["timeout"] * 1000)
    return GoogleClient(genai.Client(api_key="test", http_options=http), asynchronous=asynchronous)


def _http(client: GoogleClient) -> Any:
    api = client.whole._api_client
    return api._httpx_client if client.models is client.whole.models else api._async_httpx_client


def _generated(client: Any, messages: Any) -> Any:
    return client.models.generate_content(model="gemini-2.5-flash", contents=(m["content"] for m in messages))


SDKS: Final = (
    Sdk(
        "google",
        "google.genai",
        client,
        {
            "plain": lambda c: c.models.generate_content(**_ASK),
            "stream": lambda c: c.models.generate_content_stream(**_ASK),
            "parse": lambda c: c.models.generate_content(**_ASK, config=_SCHEMA),
            "tool call": lambda c: c.models.generate_content(**_ASK, config={"tools": [_TOOL]}),
            "raw": Absent("replies are models only", "models.with_raw_response"),
            "raw stream": Absent("replies are models only", "models.with_raw_response"),
            "streaming raw": Absent("replies are models only", "models.with_streaming_response"),
            "generator": _generated,
        },
        {
            "promptTokenCount": 1200,
            "cachedContentTokenCount": 1024,
            "candidatesTokenCount": 86,
            "thoughtsTokenCount": 64,
            "totalTokenCount": 1350,
        },
        http=_http,
        unsent=("never iterated",),  # a generator that sends when read
        differs={"failed parse": Differs("the SDK keeps a failed validation to itself", "ok", ("measured",))},
    ),
)
