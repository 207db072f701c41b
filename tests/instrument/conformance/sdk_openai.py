"""openai: chat completions, responses, their stream helpers, embeddings, older completions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel
from tests.instrument.conformance.sdk import PROMPT, QUESTION, Absent, Elsewhere, Sdk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanledger_collector.demo.simulator import Simulator


class Bird(BaseModel):
    name: str
    age: int
    colours: dict[str, int] = {}


PARAMETERS = {"type": "object", "properties": {"bird": {"type": "string"}}, "required": ["bird"]}
_CHAT: Final[Any] = {"model": "gpt-4.1", "messages": QUESTION}
_STREAM: Final[Any] = {"stream": True, "stream_options": {"include_usage": True}}
TOOL: Final[Any] = {
    "type": "function",
    "function": {"name": "lookup", "description": PROMPT, "parameters": PARAMETERS},
}
_RESPONSE: Final[Any] = {"model": "gpt-4.1", "input": PROMPT}
_RESPONSE_TOOL: Final[Any] = {"type": "function", "name": "lookup", "parameters": PARAMETERS, "strict": False}
_TEXT: Final[Any] = {"model": "gpt-3.5-turbo-instruct", "prompt": PROMPT}
_EMBEDDING: Final[Any] = {"model": "text-embedding-3-small", "input": PROMPT, "dimensions": 4}
_NO_STREAM: Final = Absent("vectors are not streamed", "embeddings.stream")
CHAT_USAGE: Final = {
    "prompt_tokens": 1200,
    "completion_tokens": 150,
    "total_tokens": 1350,
    "prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 64, "audio_tokens": 0},
}
_RESPONSES_USAGE: Final = {
    "input_tokens": 1200,
    "output_tokens": 150,
    "total_tokens": 1350,
    "input_tokens_details": {"cached_tokens": 1024},
    "output_tokens_details": {"reasoning_tokens": 64},
}


def client(provider: Simulator, asynchronous: bool, options: dict[str, Any]) -> Any:  # noqa: FBT001 - as Sdk.client says
    import openai

    made = openai.AsyncOpenAI if asynchronous else openai.OpenAI
    return made(base_url=provider.base_urls["openai"], api_key="test", **options)


def _generated(client: Any, messages: Iterator[Any]) -> Any:
    return client.chat.completions.create(model="gpt-4.1", messages=messages)


def _generated_input(client: Any, messages: Iterator[Any]) -> Any:
    return client.responses.create(model="gpt-4.1", input=messages)


CHAT: Final = Sdk(
    "openai-chat",
    "openai",
    client,
    {
        "plain": lambda c: c.chat.completions.create(**_CHAT),
        "stream": lambda c: c.chat.completions.create(**_CHAT, **_STREAM),
        "parse": lambda c: c.chat.completions.parse(**_CHAT, response_format=Bird),
        "raw": lambda c: c.chat.completions.with_raw_response.create(**_CHAT),
        "raw stream": lambda c: c.chat.completions.with_raw_response.create(**_CHAT, **_STREAM),
        "streaming raw": lambda c: c.chat.completions.with_streaming_response.create(**_CHAT),
        "tool call": lambda c: c.chat.completions.create(**_CHAT, tools=[TOOL]),
        "generator": _generated,
    },
    CHAT_USAGE,
)
RESPONSES: Final = Sdk(
    "openai-responses",
    "openai",
    client,
    {
        "plain": lambda c: c.responses.create(**_RESPONSE),
        "stream": lambda c: c.responses.create(**_RESPONSE, stream=True),
        "parse": lambda c: c.responses.parse(**_RESPONSE, text_format=Bird),
        "raw": lambda c: c.responses.with_raw_response.create(**_RESPONSE),
        "raw stream": lambda c: c.responses.with_raw_response.create(**_RESPONSE, stream=True),
        "streaming raw": lambda c: c.responses.with_streaming_response.create(**_RESPONSE),
        "tool call": lambda c: c.responses.create(**_RESPONSE, tools=[_RESPONSE_TOOL]),
        "generator": _generated_input,
    },
    _RESPONSES_USAGE,
    unsent=("generator arguments",),  # it writes `input` as JSON, which a generator is not
)
CHAT_HELPER: Final = Sdk(
    "openai-chat-helper",
    "openai",
    client,
    dict.fromkeys(CHAT.ways, Elsewhere("openai-chat"))
    | {"stream": lambda c: c.chat.completions.stream(**_CHAT, stream_options=_STREAM["stream_options"])},
    CHAT_USAGE,
)
RESPONSES_HELPER: Final = Sdk(
    "openai-responses-helper",
    "openai",
    client,
    dict.fromkeys(CHAT.ways, Elsewhere("openai-responses")) | {"stream": lambda c: c.responses.stream(**_RESPONSE)},
    _RESPONSES_USAGE,
)
EMBEDDINGS: Final = Sdk(
    "openai-embeddings",
    "openai",
    client,
    {
        "plain": lambda c: c.embeddings.create(**_EMBEDDING),
        "raw": lambda c: c.embeddings.with_raw_response.create(**_EMBEDDING),
        "streaming raw": lambda c: c.embeddings.with_streaming_response.create(**_EMBEDDING),
        "stream": _NO_STREAM,
        "raw stream": _NO_STREAM,
        "parse": Absent("vectors have no schema", "embeddings.parse"),
        "tool call": Absent("embedding models call no tools", "embeddings.tools"),
        "generator": Absent("its input is text or token numbers, not messages", "embeddings.messages"),
    },
    {"prompt_tokens": 1200, "total_tokens": 1200},
    tokens=(1200, None, None),
)
TEXTS: Final = Sdk(
    "openai-completions",
    "openai",
    client,
    {
        "plain": lambda c: c.completions.create(**_TEXT),
        "stream": lambda c: c.completions.create(**_TEXT, **_STREAM),
        "raw": lambda c: c.completions.with_raw_response.create(**_TEXT),
        "raw stream": lambda c: c.completions.with_raw_response.create(**_TEXT, **_STREAM),
        "streaming raw": lambda c: c.completions.with_streaming_response.create(**_TEXT),
        "parse": Absent("older models know no schemas", "completions.parse"),
        "tool call": Absent("older models call no tools", "completions.tools"),
        "generator": Absent("its prompt is text or token numbers, not messages", "completions.messages"),
    },
    {"prompt_tokens": 1200, "completion_tokens": 150, "total_tokens": 1350},
    tokens=(1200, 150, None),
)
SDKS: Final = (CHAT, RESPONSES, CHAT_HELPER, RESPONSES_HELPER, EMBEDDINGS, TEXTS)
