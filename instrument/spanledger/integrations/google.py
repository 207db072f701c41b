"""google-genai >= 2: Gemini and Vertex AI. The private methods send one billed turn each; the public ones loop."""

from __future__ import annotations

from operator import attrgetter
from types import GenericAlias
from typing import TYPE_CHECKING, Any, Final

from spanledger import semconv

from ._shape import Attributes, Integration, Reader, Request, Target, Watch, counts, pair

if TYPE_CHECKING:
    from collections.abc import Mapping

_MODULE: Final = "google.genai.models"
_CLIENT: Final = "google.genai._api_client"
_CONFIG: Final = (
    ("max_output_tokens", semconv.REQUEST_MAX_TOKENS, (int,)),
    ("temperature", semconv.REQUEST_TEMPERATURE, (int, float)),
    ("top_p", semconv.REQUEST_TOP_P, (int, float)),
    ("candidate_count", semconv.REQUEST_CHOICE_COUNT, (int,)),
    ("number_of_images", semconv.REQUEST_CHOICE_COUNT, (int,)),
    ("seed", semconv.REQUEST_SEED, (int,)),
)
_USAGE: Final = (
    ("prompt_token_count", semconv.USAGE_INPUT_TOKENS),
    ("cached_content_token_count", semconv.USAGE_CACHE_READ),
    ("candidates_token_count", semconv.USAGE_OUTPUT_TOKENS),
    ("thoughts_token_count", semconv.USAGE_REASONING),
)


def _option(config: Any, name: str) -> Any:
    return config.get(name) if isinstance(config, dict) else getattr(config, name, None)


def read_request(_api: str, kwargs: Mapping[str, Any]) -> Request:
    config = kwargs.get("config")
    attributes: Attributes = {}
    for name, key, kinds in _CONFIG:
        value = _option(config, name)
        if isinstance(value, kinds):
            attributes[key] = value
    prompt = _asked(kwargs)
    system = _option(config, "system_instruction")
    schema = _option(config, "response_schema") or _option(config, "response_json_schema")
    if schema or _option(config, "response_mime_type") == "application/json":
        attributes[semconv.OUTPUT_TYPE] = "json"
    level = _option(_option(config, "thinking_config"), "thinking_level")
    if level:
        attributes[semconv.REQUEST_REASONING_LEVEL] = _name(level)
    attributes |= _http(_option(config, "http_options"))
    if prompt is not None:
        attributes[semconv.INPUT_CHARS] = _length(prompt) + _length(system)
    return Request(
        model=str(kwargs.get("model", "")),
        stream=False,
        attributes=attributes,
        system=system,
        tools=_option(config, "tools"),
        prompt=prompt,
        schema=schema if isinstance(schema, (type, GenericAlias)) else None,
    )


def _asked(kwargs: Mapping[str, Any]) -> Any:
    """Texts, parts and contents may come bare; what is none of these is the caller's, and not read."""
    asked = [
        kwargs[name] for name in ("contents", "content", "batch_contents", "prompt") if kwargs.get(name) is not None
    ]
    plain = [each for each in asked if isinstance(each, (str, list, dict)) or hasattr(each, "model_fields_set")]
    return plain or None


def _http(options: Any) -> Attributes:
    """Timeouts are milliseconds in this SDK; attempts count the first one."""
    found: Attributes = {}
    timeout = _option(options, "timeout")
    attempts = _option(_option(options, "retry_options"), "attempts")
    if isinstance(timeout, int):
        found[semconv.REQUEST_TIMEOUT] = timeout / 1000
    if isinstance(attempts, int):
        found[semconv.REQUEST_MAX_RETRIES] = max(0, attempts - 1)
    return found


def _name(value: Any) -> str:
    return str(getattr(value, "value", value))


def _length(value: Any) -> int:
    """Characters of text in contents, their parts and what functions were asked and answered."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, (list, tuple)):
        return sum([_length(each) for each in value])
    if value is None or isinstance(value, bytes):
        return 0
    for name in ("parts", "text"):
        inner = _option(value, name)
        if inner:
            return _length(inner)
    made = _option(value, "function_call") or _option(value, "function_response")
    return len(str(_option(made, "args") or _option(made, "response") or "")) if made else 0


def read_reply(api: str, reply: Any) -> Attributes:
    if api == "images":
        return {semconv.BILLED_PREFIX + "images": len(reply.generated_images or ())}
    return _read_embeddings(reply) if api == "embeddings" else _identity(reply) | _read_candidates(reply)


def _identity(reply: Any) -> Attributes:
    found: Attributes = {
        semconv.RESPONSE_ID: reply.response_id,
        semconv.RESPONSE_MODEL: reply.model_version,
    }
    return {key: value for key, value in found.items() if value} | _usage(reply.usage_metadata)


def _read_candidates(reply: Any) -> Attributes:
    candidates = reply.candidates or ()
    reasons = [_name(each.finish_reason) for each in candidates if each.finish_reason]
    blocked = getattr(reply.prompt_feedback, "block_reason", None)
    if blocked:
        reasons.append(_name(blocked))
    chars = 0
    for each in candidates:
        chars += _length(each.content)
    found: Attributes = {semconv.OUTPUT_CHARS: chars}
    return found | ({semconv.RESPONSE_FINISH_REASONS: reasons} if reasons else {})


def _usage(usage: Any) -> Attributes:
    """Thoughts are told beside the candidates, and what tools brought into the prompt beside the prompt."""
    found = counts(usage, _USAGE)
    if semconv.USAGE_INPUT_TOKENS not in found:
        return found
    output: Any = found.get(semconv.USAGE_OUTPUT_TOKENS, 0)
    found[semconv.USAGE_OUTPUT_TOKENS] = output + (usage.thoughts_token_count or 0)
    found[semconv.USAGE_INPUT_TOKENS] += usage.tool_use_prompt_token_count or 0  # type: ignore[operator]
    for details, key in (
        (usage.prompt_tokens_details, semconv.USAGE_INPUT_AUDIO),
        (getattr(usage, "candidates_tokens_details", None), semconv.USAGE_OUTPUT_AUDIO),
    ):
        audio = 0
        for each in details or ():
            audio += each.token_count or 0 if _name(each.modality) == "AUDIO" else 0
        if audio:
            found[key] = audio
    return found


def _read_embeddings(reply: Any) -> Attributes:
    """Older models tell no usage; Vertex tells it text by text."""
    found = counts(getattr(reply, "usage_metadata", None), _USAGE)
    told = [getattr(each.statistics, "token_count", None) for each in reply.embeddings or ()]
    if not found and told and None not in told:
        found[semconv.USAGE_INPUT_TOKENS] = int(sum(filter(None, told)))
    return found


def misfits(reply: Any) -> bool:
    """The SDK keeps a failed validation to itself: the reply has text, and nothing parsed from it."""
    parts = [part for each in (reply.candidates or ())[:1] for part in getattr(each.content, "parts", None) or ()]
    called = any(part.function_call for part in parts)
    return reply.parsed is None and not called and any(part.text for part in parts)


class _ChunkReader:
    """Every chunk tells usage so far: the last one's is the bill."""

    def __init__(self) -> None:
        self.complete = False
        self._last: Any = None
        self._usage: Any = None
        self._chars = 0
        self._reasons: list[str] = []

    def feed(self, chunk: Any) -> None:
        told = _read_candidates(chunk)
        chars = told[semconv.OUTPUT_CHARS]
        self._chars += chars if isinstance(chars, int) else 0
        reasons = told.get(semconv.RESPONSE_FINISH_REASONS)
        if isinstance(reasons, list):
            self._reasons += reasons
            self.complete = True
        self._usage = chunk.usage_metadata or self._usage
        self._last = chunk

    def result(self) -> Attributes:
        if self._last is None:
            return {}
        found = _identity(self._last) | _usage(self._usage) | {semconv.OUTPUT_CHARS: self._chars}
        return found | ({semconv.RESPONSE_FINISH_REASONS: self._reasons} if self._reasons else {})


def reader(_api: str) -> Reader:
    return _ChunkReader()


INTEGRATION: Final = Integration(
    package="google.genai",
    provider="gcp.gemini",
    targets=(
        Target(_MODULE, "Models._generate_content", "generate_content", asynchronous=False),
        Target(_MODULE, "AsyncModels._generate_content", "generate_content", asynchronous=True),
        Target(
            _MODULE,
            "Models._generate_content_stream",
            "generate_content",
            asynchronous=False,
            kind="lazy",
            streams=True,
        ),
        Target(_MODULE, "AsyncModels._generate_content_stream", "generate_content", asynchronous=True, streams=True),
        Target(_MODULE, "Models._embed_content", "embeddings", asynchronous=False),
        Target(_MODULE, "AsyncModels._embed_content", "embeddings", asynchronous=True),
        *pair(_MODULE, "Models._generate_images", "images"),
        *pair(_MODULE, "Models._edit_image", "images"),
        *pair(_MODULE, "Models._upscale_image", "images"),
    ),
    read_request=read_request,
    read_reply=read_reply,
    reader=reader,
    watches=(
        Watch(_CLIENT, "BaseApiClient._request_once", asynchronous=False, means="attempt"),
        Watch(_CLIENT, "BaseApiClient._async_request_once", asynchronous=True, means="attempt"),
    ),
    operations={
        "generate_content": "generate_content",
        "embeddings": "embeddings",
        "images": "image_generation",
    },
    clients={"vertex": "gcp.vertex_ai"},
    client_of=attrgetter("_api_client"),
    url_of=lambda client: client._http_options.base_url,  # noqa: SLF001
    kind_of=lambda client: "vertex" if client.vertexai else "gemini",
    read_client=lambda client: _http(client._http_options),  # noqa: SLF001
    misfits=misfits,
)
