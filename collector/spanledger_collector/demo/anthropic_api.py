"""Anthropic on loopback: messages with every event of their stream. Base URL: ``{url}``."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from spanledger_collector.demo.cache_rules import marked_rule
from spanledger_collector.demo.draft import Draft, Refused, Wish, compact, compose
from spanledger_collector.demo.exchange import BAD_REQUEST, Answer, Exchange, event
from spanledger_collector.demo.faults import OVERLOADED, anthropic_error, anthropic_headers, anthropic_stream_error
from spanledger_collector.demo.prefix_cache import Block, CacheMarksInvalid, CacheUse, count
from spanledger_collector.demo.provider_api import Fault, ProviderApi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanledger_collector.demo.prose import Json

NOT_FOUND = 404
BATCH_ENDS = ("succeeded", "errored", "canceled", "expired")


def messages(exchange: Exchange) -> Answer:
    """A message, plain or streamed. Raises Refused."""
    body = exchange.body
    turns = exchange.require("messages")
    if not isinstance(turns, list):
        raise Refused(BAD_REQUEST, "messages: Input should be a valid list", "messages")
    most = exchange.require("max_tokens")
    blocks = _blocks(body, turns)
    prompt = "".join(block.text for block in blocks)
    wish = Wish(prompt, _schema(body), _tool(body, turns), int(most))
    draft = compose(wish, exchange.plan)
    usage = exchange.usage(_usage(sum(count(block.text) for block in blocks), _cache_use(exchange, blocks), draft))
    return _answer(exchange, draft, usage)


def count_tokens(exchange: Exchange) -> Answer:
    """The size of a prompt, free of charge. Raises Refused."""
    tokens = sum(count(block.text) for block in _blocks(exchange.body, exchange.require("messages")))
    return Answer(0, 0, {"input_tokens": tokens})


def complete(exchange: Exchange) -> Answer:
    """A text continued, as before there were messages; no tokens are told. Raises Refused."""
    draft = compose(Wish(str(exchange.require("prompt"))), exchange.plan)
    frame = {"id": f"compl_{uuid.uuid4().hex[:24]}", "type": "completion", "model": exchange.model}
    if not exchange.streamed:
        return Answer(0, 0, {**frame, "completion": draft.text, "stop_reason": "stop_sequence"})
    pieces = [_named({**frame, "completion": piece, "stop_reason": None}) for piece in draft.pieces]
    return Answer(0, 0, pieces=pieces, tail=[_named({**frame, "completion": "", "stop_reason": "stop_sequence"})])


def batches(exchange: Exchange) -> Answer:
    """A batch accepted; it is worked off when its results are asked for. Raises Refused."""
    now = datetime.now(timezone.utc)
    requests = exchange.require("requests")
    times = {"created_at": now.isoformat(), "expires_at": (now + timedelta(days=1)).isoformat(), "ended_at": None}
    body = {"id": f"msgbatch_{uuid.uuid4().hex}", "type": "message_batch", "processing_status": "in_progress"}
    more = {"archived_at": None, "cancel_initiated_at": None, "results_url": None}
    counts = {"processing": len(requests), **dict.fromkeys(BATCH_ENDS, 0)}
    told = {**body, "request_counts": counts, **times, **more}
    exchange.keep(body["id"], (told, requests))
    return Answer(0, 0, told)


def batch(exchange: Exchange) -> Answer:
    """A batch, which has ended. Raises Refused."""
    told, requests = _kept_batch(exchange)
    if not told["ended_at"]:
        told["ended_at"] = datetime.now(timezone.utc).isoformat()
    counts = {"processing": 0, **dict.fromkeys(BATCH_ENDS, 0), "succeeded": len(requests)}
    where = f"{exchange.url}/v1/messages/batches/{told['id']}/results"
    return Answer(0, 0, {**told, "processing_status": "ended", "request_counts": counts, "results_url": where})


def batch_results(exchange: Exchange) -> Answer:
    """One line for each request of a batch, the same whenever they are asked for. Raises Refused."""
    told, requests = _kept_batch(exchange)
    if "results" not in exchange.kept.setdefault(f"{told['id']}/results", {}):
        exchange.kept[f"{told['id']}/results"]["results"] = [_result(exchange, one) for one in requests]
    lines = exchange.kept[f"{told['id']}/results"]["results"]
    return Answer(0, 0, "".join(compact(line) + "\n" for line in lines).encode(), media="application/x-jsonl")


def _kept_batch(exchange: Exchange) -> tuple[Json, list[Json]]:
    kept = exchange.kept.get(exchange.path["batch_id"])
    if kept is None:
        raise Refused(NOT_FOUND, f"No batch found with id '{exchange.path['batch_id']}'.")
    told, requests = kept
    return told, requests


def _result(exchange: Exchange, asked: Json) -> Json:
    try:
        message = messages(replace(exchange, body=asked["params"], path={})).body
    except Refused as refused:
        error = {"type": "error", "error": {"type": "invalid_request_error", "message": str(refused)}}
        return {"custom_id": asked["custom_id"], "result": {"type": "errored", "error": error}}
    assert isinstance(message, dict)
    message["usage"]["service_tier"] = "batch"
    return {"custom_id": asked["custom_id"], "result": {"type": "succeeded", "message": message}}


def _blocks(body: Json, turns: list[Any]) -> list[Block]:
    """Tools, system, messages: the order in which the provider caches."""
    blocks = [_block("", tool) for tool in body.get("tools") or []]
    blocks += [_block("system\n", part) for part in _parts(body.get("system"))]
    for turn in turns:
        blocks += [_block(f"{turn.get('role')}\n", part) for part in _parts(turn.get("content"))]
    whole = body.get("cache_control")
    if whole and blocks and not blocks[-1].lifetime:
        blocks[-1] = replace(blocks[-1], lifetime=whole.get("ttl") or "5m")
    return blocks


def _parts(content: Any) -> list[Any]:
    return list(content) if isinstance(content, list) else [{"type": "text", "text": content}] if content else []


def _block(head: str, part: Json) -> Block:
    mark = part.get("cache_control")
    lifetime = (mark.get("ttl") or "5m") if mark else ""
    if isinstance(part.get("text"), str):
        return Block(f"{head}{part['text']}\n", lifetime)
    rest = compact({key: value for key, value in part.items() if key != "cache_control"})
    if part.get("type") in ("image", "document"):
        rest = blake2b(rest.encode(), digest_size=32).hexdigest()
    return Block(f"{head}{rest}\n", lifetime)


def _schema(body: Json) -> Json | None:
    wanted = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    schema: Json | None = wanted.get("schema") if wanted.get("type") == "json_schema" else None
    return schema


def _tool(body: Json, turns: list[Any]) -> tuple[str, Json] | None:
    """The named tool, or the first one unless the last turn already holds a result."""
    tools = [tool for tool in body.get("tools") or [] if "input_schema" in tool]
    choice = body.get("tool_choice") or {"type": "auto"}
    if not tools or choice.get("type") == "none":
        return None
    if choice.get("type") == "tool":
        tools = [tool for tool in tools if tool.get("name") == choice.get("name")]
    last = _parts(turns[-1].get("content")) if turns else []
    answered = any(part.get("type") == "tool_result" for part in last)
    if not tools or (answered and choice.get("type") == "auto"):
        return None
    return str(tools[0]["name"]), tools[0]["input_schema"]


def _cache_use(exchange: Exchange, blocks: list[Block]) -> CacheUse:
    rule = marked_rule(exchange.model, exchange.day)
    if rule is None:
        return CacheUse()
    try:
        return exchange.cache.marked(exchange.scope, blocks, rule)
    except CacheMarksInvalid as error:
        raise Refused(BAD_REQUEST, str(error)) from error


def _usage(tokens: int, use: CacheUse, draft: Draft) -> Json:
    """``input_tokens`` leaves out what was read from the cache or written to it."""
    written = use.write_5m + use.write_1h
    return {
        "input_tokens": tokens - use.read - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": use.read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": use.write_5m,
            "ephemeral_1h_input_tokens": use.write_1h,
        },
        "output_tokens": draft.output_tokens,
        "service_tier": "standard",
    }


def _answer(exchange: Exchange, draft: Draft, usage: Json) -> Answer:
    message = {
        "id": f"msg_{uuid.uuid4().hex}",
        "type": "message",
        "role": "assistant",
        "model": exchange.model,
        "content": [_content(draft, draft.text)],
        "stop_reason": "max_tokens" if draft.truncated else "tool_use" if draft.tool else "end_turn",
        "stop_sequence": None,
        "usage": usage,
    }
    parts = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    sizes = sum(int(usage.get(part) or 0) for part in parts), int(usage.get("output_tokens") or 0)
    if not exchange.streamed:
        return Answer(*sizes, message)
    head, pieces, tail = (list(part) for part in (_head(draft, message), _pieces(draft), _tail(message)))
    return Answer(*sizes, head=head, pieces=pieces, tail=tail)


def _content(draft: Draft, text: str) -> Json:
    if not draft.tool:
        return {"type": "text", "text": text}
    given = draft.arguments if text else {}
    return {"type": "tool_use", "id": f"toolu_{uuid.uuid4().hex[:24]}", "name": draft.tool, "input": given}


def _named(data: Json) -> str:
    return event(data, str(data["type"]))


def _head(draft: Draft, message: Json) -> Iterator[str]:
    begun = {**message["usage"], "output_tokens": 1}
    opened = {**message, "content": [], "stop_reason": None, "usage": begun}
    yield _named({"type": "message_start", "message": opened})
    yield _named({"type": "content_block_start", "index": 0, "content_block": _content(draft, "")})
    yield _named({"type": "ping"})


def _pieces(draft: Draft) -> Iterator[str]:
    kind, name = ("input_json_delta", "partial_json") if draft.tool else ("text_delta", "text")
    for piece in draft.pieces:
        yield _named({"type": "content_block_delta", "index": 0, "delta": {"type": kind, name: piece}})


def _tail(message: Json) -> Iterator[str]:
    """The last usage is cumulative and repeats the input side, without the split by lifetime."""
    yield _named({"type": "content_block_stop", "index": 0})
    usage = {k: v for k, v in message["usage"].items() if k not in ("cache_creation", "service_tier")}
    delta = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield _named({"type": "message_delta", "delta": delta, "usage": usage})
    yield _named({"type": "message_stop"})


def _fault(fault: Fault) -> Json:
    return anthropic_error(fault.status, fault.request_id, fault.message)


API = ProviderApi(
    name="anthropic",
    endpoints={
        "/v1/messages": messages,
        "/v1/messages/count_tokens": count_tokens,
        "/v1/messages/batches": batches,
        "/v1/complete": complete,
    },
    reads={"/v1/messages/batches/{batch_id}": batch, "/v1/messages/batches/{batch_id}/results": batch_results},
    fault=_fault,
    broken_stream=anthropic_stream_error,
    headers=anthropic_headers,
    overloaded=OVERLOADED,
)
