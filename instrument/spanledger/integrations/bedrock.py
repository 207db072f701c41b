"""bedrock-runtime of botocore >= 1.40: Converse and InvokeModel, plain and streamed.

Everything passes one method, which serves all of AWS. The body of InvokeModel can be read once, so it is left alone:
its headers tell the tokens. Streams are read as they come, below the parser of their events.
"""

from __future__ import annotations

import json
from base64 import b64decode
from typing import TYPE_CHECKING, Any, Final

from spanledger import semconv

from ._shape import Answer, Attributes, Integration, Reader, Request, Target, Watch, text_length

if TYPE_CHECKING:
    from collections.abc import Mapping

_OPERATIONS: Final = frozenset({"Converse", "ConverseStream", "InvokeModel", "InvokeModelWithResponseStream"})
_LONGEST: Final = 4 * 1024 * 1024  # bytes of a request's body that are read
_ARGUMENTS: Final = (
    ("maxTokens", semconv.REQUEST_MAX_TOKENS),
    ("max_tokens", semconv.REQUEST_MAX_TOKENS),
    ("temperature", semconv.REQUEST_TEMPERATURE),
    ("topP", semconv.REQUEST_TOP_P),
    ("top_p", semconv.REQUEST_TOP_P),
)
_INPUT: Final = ("input", "cache-read-input", "cache-write-input")
_TOKENS: Final = (None, semconv.USAGE_CACHE_READ, semconv.USAGE_CACHE_WRITE)


def read_request(_api: str, kwargs: Mapping[str, Any]) -> Request:
    operation, asked = kwargs["operation_name"], kwargs["api_params"]
    body = asked if operation.startswith("Converse") else _body(asked.get("body"))
    config = body.get("inferenceConfig") or body
    attributes: Attributes = {
        key: config[name] for name, key in _ARGUMENTS if isinstance(config.get(name), (int, float))
    }
    prompt = body.get("messages") or body.get("inputText") or body.get("prompt")
    system = body.get("system")
    if "embed" in str(asked.get("modelId")):
        attributes[semconv.OPERATION_NAME] = "embeddings"
    elif isinstance(prompt, (str, list)):
        attributes[semconv.INPUT_CHARS] = text_length(prompt) + text_length(system)
    return Request(
        model=str(asked.get("modelId") or ""),
        stream=operation.endswith("Stream"),
        attributes=attributes,
        system=system,
        tools=(body.get("toolConfig") or {}).get("tools") or body.get("tools"),
        prompt=prompt if isinstance(prompt, (str, list)) else None,
    )


def _body(body: Any) -> dict[str, Any]:
    """JSON that is plain bytes or text; a file is the caller's."""
    if not isinstance(body, (bytes, bytearray, str)) or len(body) > _LONGEST:
        return {}
    try:
        decoded = json.loads(body)
    except ValueError:
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _usage(inputs: tuple[Any, ...], output: Any) -> Attributes:
    """Input, cache read, cache write: three parts here, of which the span's input is the sum."""
    found: Attributes = {}
    if inputs[0] is not None:
        found[semconv.USAGE_INPUT_TOKENS] = sum([int(each or 0) for each in inputs])
    for key, tokens in zip(_TOKENS[1:], inputs[1:], strict=True):
        if key is not None and tokens is not None:
            found[key] = int(tokens)
    return found | ({semconv.USAGE_OUTPUT_TOKENS: int(output)} if output is not None else {})


def _converse_usage(usage: Mapping[str, Any]) -> Attributes:
    names = ("inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
    found = _usage(tuple(usage.get(name) for name in names), usage.get("outputTokens"))
    for detail in usage.get("cacheDetails") or ():
        key = semconv.USAGE_CACHE_WRITE_1H if detail.get("ttl") == "1h" else semconv.USAGE_CACHE_WRITE_5M
        found[key] = int(detail.get("inputTokens") or 0)
    return found


def read_reply(_api: str, reply: Any) -> Attributes:
    told = reply.get("ResponseMetadata") or {}
    found: Attributes = {semconv.RESPONSE_ID: told["RequestId"]} if told.get("RequestId") else {}
    if "output" not in reply:
        headers = told.get("HTTPHeaders") or {}
        inputs = tuple(headers.get(f"x-amzn-bedrock-{name}-token-count") for name in _INPUT)
        return found | _usage(inputs, headers.get("x-amzn-bedrock-output-token-count"))
    message = (reply["output"] or {}).get("message") or {}
    found[semconv.OUTPUT_CHARS] = sum([_length(block) for block in message.get("content") or ()])
    if reply.get("stopReason"):
        found[semconv.RESPONSE_FINISH_REASONS] = [reply["stopReason"]]
    tier = (reply.get("serviceTier") or {}).get("type")
    return found | _converse_usage(reply.get("usage") or {}) | ({semconv.SERVICE_TIER: tier} if tier else {})


def _length(block: Mapping[str, Any]) -> int:
    """Of a block of content, or of a piece of one."""
    made = (block.get("toolUse") or {}).get("input")
    thought = block.get("reasoningContent") or {}
    text = block.get("text") or thought.get("text") or (thought.get("reasoningText") or {}).get("text") or ""
    return len(text) + (len(made if isinstance(made, str) else json.dumps(made)) if made else 0)


class _EventReader:
    """Events as they arrive: Converse's own, or chunks of a model's own JSON with Bedrock's count in the last."""

    def __init__(self) -> None:
        self.complete = False
        self._found: Attributes = {}
        self._chars = 0

    def feed(self, event: Any) -> None:
        kind = event.headers.get(":event-type") or event.headers.get(":exception-type") or ""
        told = json.loads(event.payload) if event.payload else {}
        if event.headers.get(":message-type") in ("exception", "error"):
            self._found[semconv.ERROR_TYPE] = kind or "EventStreamError"
        elif kind == "chunk":
            self._chunk(json.loads(b64decode(told.get("bytes") or b"e30=")))
        elif kind == "contentBlockDelta":
            self._chars += _length(told.get("delta") or {})
        elif kind == "messageStop":
            self._found[semconv.RESPONSE_FINISH_REASONS] = [told.get("stopReason") or ""]
        elif kind == "metadata":
            self.complete = True
            self._found |= _converse_usage(told.get("usage") or {})

    def _chunk(self, told: Mapping[str, Any]) -> None:
        delta = told.get("delta") or {}
        self._chars += len(delta.get("text") or delta.get("partial_json") or told.get("outputText") or "")
        reason = delta.get("stop_reason") or told.get("completionReason")
        if reason:
            self._found[semconv.RESPONSE_FINISH_REASONS] = [reason]
        metrics = told.get("amazon-bedrock-invocationMetrics")
        if metrics:
            names = ("inputTokenCount", "cacheReadInputTokenCount", "cacheWriteInputTokenCount")
            self.complete = True
            self._found |= _usage(tuple(metrics.get(name) for name in names), metrics.get("outputTokenCount"))

    def result(self) -> Attributes:
        return {**self._found, semconv.OUTPUT_CHARS: self._chars}


def reader(_api: str) -> Reader:
    return _EventReader()


def _read_client(client: Any) -> Attributes:
    config, found = client.meta.config, Attributes()
    if isinstance(config.read_timeout, (int, float)):
        found[semconv.REQUEST_TIMEOUT] = float(config.read_timeout)
    attempts = (config.retries or {}).get("total_max_attempts")
    return found | ({semconv.REQUEST_MAX_RETRIES: attempts - 1} if isinstance(attempts, int) else {})


def _response_of(error: BaseException) -> Answer | None:
    told = getattr(error, "response", None)
    metadata = told.get("ResponseMetadata") if isinstance(told, dict) else None
    status = (metadata or {}).get("HTTPStatusCode")
    return Answer(status, metadata.get("HTTPHeaders") or {}) if metadata and status else None


INTEGRATION: Final = Integration(
    package="botocore",
    provider="aws.bedrock",
    targets=(
        Target(
            "botocore.client",
            "BaseClient._make_api_call",
            "bedrock",
            asynchronous=False,
            only=lambda arguments: arguments.get("operation_name") in _OPERATIONS,
            positional=("operation_name", "api_params"),
        ),
    ),
    read_request=read_request,
    read_reply=read_reply,
    reader=reader,
    watches=(Watch("botocore.endpoint", "Endpoint._send", asynchronous=False, means="attempt"),),
    operations={"bedrock": "chat"},
    client_of=lambda client: client,
    url_of=lambda client: client.meta.endpoint_url,
    read_client=_read_client,
    response_of=_response_of,
    stream_of=lambda reply: reply.get("stream") or reply["body"],
    iterator="_event_generator",
    body_of=lambda stream: stream._raw_stream,  # noqa: SLF001
    unsent=frozenset({"ParamValidationError", "NoCredentialsError", "PartialCredentialsError"}),
)
