"""Amazon Bedrock's runtime on loopback. ``endpoint_url``: ``{url}/bedrock``.

Converse and ConverseStream for every model; InvokeModel with the bodies of Anthropic (also streamed), Amazon Nova and
Titan embeddings. Signatures are not checked; the access key is the account.
"""

from __future__ import annotations

import base64
import re
import uuid
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from spanledger_collector.demo import anthropic_api
from spanledger_collector.demo.cache_rules import BEDROCK, marked_rule
from spanledger_collector.demo.draft import Draft, Refused, Wish, compact, compose
from spanledger_collector.demo.event_stream import MEDIA, event_message, exception_message
from spanledger_collector.demo.exchange import BAD_REQUEST, Answer, Exchange, tokens
from spanledger_collector.demo.prefix_cache import Block, CacheMarksInvalid, CacheUse, count
from spanledger_collector.demo.prose import Json, vector
from spanledger_collector.demo.provider_api import Fault, ProviderApi
from spanledger_collector.demo.retelling import read_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from spanledger_collector.demo.faults import Allowance

TOKEN_MS = 10
TITAN_DIMENSIONS = 1024
CONVERSE_COUNTS = ("inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
ANTHROPIC_COUNTS = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
# status -> (exception, message)
ERRORS: dict[int, tuple[str, str]] = {
    400: ("ValidationException", "The request is invalid."),
    401: ("UnrecognizedClientException", "The security token included in the request is invalid."),
    403: ("AccessDeniedException", "You don't have access to the model with the specified model ID."),
    404: ("ResourceNotFoundException", "The provided model identifier is invalid."),
    408: ("ModelTimeoutException", "Model has timed out in processing the request."),
    424: ("ModelErrorException", "The model returned an error while processing the request."),
    429: ("ThrottlingException", "Too many requests, please wait before trying again."),
    500: ("InternalServerException", "The system encountered an unexpected error during processing."),
    503: ("ServiceUnavailableException", "Bedrock is unable to process your request."),
}
SERVER_ERROR = 500


def converse(exchange: Exchange) -> Answer:
    """A message of any model. Raises Refused."""
    draft, usage = _converse(exchange)
    body = {
        "output": {"message": {"role": "assistant", "content": [_content(draft)]}},
        "stopReason": _stop(draft),
        "usage": usage,
        "metrics": {"latencyMs": draft.output_tokens * TOKEN_MS},
    }
    return Answer(*_sizes(usage), body)


def converse_stream(exchange: Exchange) -> Answer:
    """The same as binary events, the last of which tells the usage. Raises Refused."""
    draft, usage = _converse(exchange)
    place = {"contentBlockIndex": 0}
    head = [event_message("messageStart", {"role": "assistant"})]
    if draft.tool:
        start = {"toolUse": {"toolUseId": _tool_id(), "name": draft.tool}}
        head.append(event_message("contentBlockStart", {"start": start, **place}))
    deltas = [{"toolUse": {"input": piece}} if draft.tool else {"text": piece} for piece in draft.pieces]
    pieces = [event_message("contentBlockDelta", {"delta": delta, **place}) for delta in deltas]
    tail = [
        event_message("contentBlockStop", place),
        event_message("messageStop", {"stopReason": _stop(draft)}),
        event_message("metadata", {"usage": usage, "metrics": {"latencyMs": draft.output_tokens * TOKEN_MS}}),
    ]
    return Answer(*_sizes(usage), head=head, pieces=pieces, tail=tail, media=MEDIA)


def count_tokens(exchange: Exchange) -> Answer:
    """The size of a prompt for Converse, free of charge. Raises Refused."""
    given = exchange.require("input")
    if "converse" not in given:
        raise Refused(BAD_REQUEST, "input.invokeModel is not supported here: use input.converse")
    return Answer(0, 0, {"inputTokens": _size(_blocks(given["converse"]))})


def _converse(exchange: Exchange) -> tuple[Draft, Json]:
    body = exchange.body
    blocks = _blocks(body)
    prompt = "".join(block.text for block in blocks)
    most = (body.get("inferenceConfig") or {}).get("maxTokens")
    draft = compose(Wish(prompt, tool=_tool(body), most_tokens=most), exchange.plan)
    return draft, exchange.usage(_usage(_size(blocks), _cache_use(exchange, blocks), draft))


def _size(blocks: list[Block]) -> int:
    return max(1, sum(count(block.text) for block in blocks))


def _sizes(usage: Json) -> tuple[int, int]:
    return tokens(usage, *CONVERSE_COUNTS), tokens(usage, "outputTokens")


def _blocks(body: Json) -> list[Block]:
    """Tools, system, messages: the order in which the models cache. A cache point marks the block before it."""
    blocks: list[Block] = []
    for head, part in _parts(body):
        point = part.get("cachePoint")
        if point and blocks:
            blocks[-1] = replace(blocks[-1], lifetime=point.get("ttl") or "5m")
        elif not point:
            blocks.append(Block(f"{head}{_part_text(part)}\n"))
    return blocks


def _parts(body: Json) -> Iterator[tuple[str, Json]]:
    yield from (("", tool) for tool in (body.get("toolConfig") or {}).get("tools") or [])
    yield from (("system\n", part) for part in body.get("system") or [])
    for turn in body.get("messages") or []:
        yield from ((f"{turn.get('role')}\n", part) for part in turn.get("content") or [])


def _part_text(part: Json) -> str:
    if isinstance(part.get("text"), str):
        return str(part["text"])
    told = compact(part)
    return blake2b(told.encode(), digest_size=32).hexdigest() if {"image", "document", "video"} & part.keys() else told


def _tool(body: Json) -> tuple[str, Json] | None:
    """The named tool, or the first one unless the last turn already holds a result."""
    config = body.get("toolConfig") or {}
    tools = [each["toolSpec"] for each in config.get("tools") or [] if "toolSpec" in each]
    choice = config.get("toolChoice") or {"auto": {}}
    named = (choice.get("tool") or {}).get("name")
    tools = [each for each in tools if named in (None, each.get("name"))]
    last = (body.get("messages") or [{}])[-1].get("content") or []
    answered = any("toolResult" in part for part in last)
    if not tools or (answered and "auto" in choice):
        return None
    return str(tools[0].get("name")), (tools[0].get("inputSchema") or {}).get("json") or {"type": "object"}


def _cache_use(exchange: Exchange, blocks: list[Block]) -> CacheUse | None:
    """None for models without a cache."""
    rule = marked_rule(_family(exchange.model), exchange.day, BEDROCK)
    try:
        return exchange.cache.marked(exchange.scope, blocks, rule) if rule else None
    except CacheMarksInvalid as error:
        raise Refused(BAD_REQUEST, str(error)) from error


def _family(model: str) -> str:
    """The maker's own name of a model, whatever region, profile or ARN stands before it and version behind."""
    found = re.search(r"(claude|nova)[\w.-]*?(?=-v\d|:|$)", model)
    return found[0] if found else model


def _usage(size: int, use: CacheUse | None, draft: Draft) -> Json:
    """Input leaves out what was read from the cache or written to it; the total holds everything."""
    told = draft.output_tokens
    if use is None:
        return {"inputTokens": size, "outputTokens": told, "totalTokens": size + told}
    written = {"5m": use.write_5m, "1h": use.write_1h}
    new = sum(written.values())
    usage: Json = {"inputTokens": size - use.read - new, "outputTokens": told, "totalTokens": size + told}
    usage |= {"cacheReadInputTokens": use.read, "cacheWriteInputTokens": new}
    details = [{"ttl": ttl, "inputTokens": number} for ttl, number in written.items() if number]
    return {**usage, "cacheDetails": details} if details else usage


def _stop(draft: Draft) -> str:
    return "max_tokens" if draft.truncated else "tool_use" if draft.tool else "end_turn"


def _tool_id() -> str:
    return f"tooluse_{uuid.uuid4().hex[:22]}"


def _content(draft: Draft) -> Json:
    if not draft.tool:
        return {"text": draft.text}
    return {"toolUse": {"toolUseId": _tool_id(), "name": draft.tool, "input": draft.arguments}}


def invoke(exchange: Exchange) -> Answer:
    """A model's own body; headers tell what was counted. Raises Refused."""
    body = exchange.body
    if "anthropic_version" in body:
        answer = anthropic_api.messages(_as_anthropic(exchange, stream=False))
        usage = answer.body["usage"] if isinstance(answer.body, dict) else {}
        return replace(answer, headers=_count_headers(usage, ANTHROPIC_COUNTS, "output_tokens"))
    if "inputText" in body:
        return _titan(exchange)
    if "messages" in body:
        answer = converse(exchange)
        usage = answer.body["usage"] if isinstance(answer.body, dict) else {}
        return replace(answer, headers=_count_headers(usage, CONVERSE_COUNTS, "outputTokens"))
    raise Refused(BAD_REQUEST, "Malformed input request: give anthropic_version, messages or inputText.")


def _as_anthropic(exchange: Exchange, *, stream: bool) -> Exchange:
    path = {**exchange.path, "model": _family(exchange.model)}
    return replace(exchange, body={**exchange.body, "stream": stream}, path=path)


def _count_headers(usage: Json, inputs: tuple[str, str, str], output: str) -> dict[str, str]:
    names = ("input", "cache-read-input", "cache-write-input")
    counts = {name: tokens(usage, field) for name, field in zip(names, inputs, strict=True)}
    told = {**counts, "output": tokens(usage, output)}
    latency = {"x-amzn-bedrock-invocation-latency": str(told["output"] * TOKEN_MS)}
    return {**latency, **{f"x-amzn-bedrock-{name}-token-count": str(number) for name, number in told.items()}}


def _titan(exchange: Exchange) -> Answer:
    text = str(exchange.body["inputText"])
    size = int(exchange.body.get("dimensions") or TITAN_DIMENSIONS)
    usage = exchange.usage({"inputTextTokenCount": max(1, count(text))})
    read = tokens(usage, "inputTextTokenCount")
    headers = {"x-amzn-bedrock-input-token-count": str(read)}
    return Answer(read, 0, {"embedding": vector(text, size), **usage}, headers=headers)


def invoke_stream(exchange: Exchange) -> Answer:
    """Anthropic's events in binary ones; the last adds Bedrock's own metrics. Raises Refused."""
    if "anthropic_version" not in exchange.body:
        raise Refused(BAD_REQUEST, "Malformed input request: streams want the body of an Anthropic model here.")
    answer = anthropic_api.messages(_as_anthropic(exchange, stream=True))
    head, pieces, tail = (_events(part) for part in (answer.head, answer.pieces, answer.tail))
    usage = next(each["message"]["usage"] for each in head if each["type"] == "message_start")
    output = next(each["usage"] for each in tail if each["type"] == "message_delta")
    tail[-1]["amazon-bedrock-invocationMetrics"] = _metrics({**usage, **output})
    chunked = ([_chunk(each) for each in part] for part in (head, pieces, tail))
    first, middle, last = chunked
    headers = {"x-amzn-bedrock-content-type": "application/json"}
    return replace(answer, head=first, pieces=middle, tail=last, media=MEDIA, headers=headers)


def _events(texts: Any) -> list[Json]:
    return [each for text in texts for each in read_chunks([text.partition("\n")[2]])]


def _chunk(told: Json) -> bytes:
    return event_message("chunk", {"bytes": base64.b64encode(compact(told).encode()).decode()})


def _metrics(usage: Json) -> Json:
    told = tokens(usage, "output_tokens")
    times = {"invocationLatency": told * TOKEN_MS, "firstByteLatency": TOKEN_MS}
    names = ("inputTokenCount", "cacheReadInputTokenCount", "cacheWriteInputTokenCount")
    counts = {name: tokens(usage, field) for name, field in zip(names, ANTHROPIC_COUNTS, strict=True)}
    return {**counts, "outputTokenCount": told, **times}


def _error(fault: Fault) -> tuple[str, str]:
    return ERRORS.get(fault.status, ERRORS[SERVER_ERROR if fault.status >= SERVER_ERROR else BAD_REQUEST])


def _fault(fault: Fault) -> Json:
    return {"message": fault.message or _error(fault)[1]}


def _fault_headers(fault: Fault) -> Mapping[str, str]:
    return {"x-amzn-errortype": f"{_error(fault)[0]}:http://internal.amazon.com/coral/com.amazon.bedrock/"}


def _broken_stream(_: str) -> bytes:
    return exception_message("modelStreamErrorException", {"message": ERRORS[424][1], "originalStatusCode": 500})


def _headers(_: Allowance, __: str) -> dict[str, str]:
    return {"x-amzn-requestid": str(uuid.uuid4())}


API = ProviderApi(
    name="bedrock",
    mount="/bedrock",
    endpoints={
        "/model/{model:path}/converse": converse,
        "/model/{model:path}/converse-stream": converse_stream,
        "/model/{model:path}/invoke": invoke,
        "/model/{model:path}/invoke-with-response-stream": invoke_stream,
        "/model/{model:path}/count-tokens": count_tokens,
    },
    fault=_fault,
    broken_stream=_broken_stream,
    headers=_headers,
    fault_headers=_fault_headers,
    retry_after=False,
)
