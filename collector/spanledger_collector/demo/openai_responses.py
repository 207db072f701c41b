"""POST /v1/responses as OpenAI answers it, with every event of its stream."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.demo.draft import Draft, Refused, Wish, compose
from spanledger_collector.demo.exchange import Answer, Exchange, event
from spanledger_collector.demo.openai_chat import likelihood
from spanledger_collector.demo.openai_prompt import (
    ANY_JSON,
    cache_use,
    chosen_tool,
    counted_tokens,
    input_details,
    prompt_text,
    reasons,
)

if TYPE_CHECKING:
    from spanledger_collector.demo.prose import Json

NOT_FOUND: Final = 404


def responses(exchange: Exchange) -> Answer:
    """A response, plain or streamed. Raises Refused."""
    body = exchange.body
    given = exchange.require("input")
    turns = [{"role": "user", "content": given}] if isinstance(given, str) else list(given)
    if body.get("instructions"):
        turns.insert(0, {"role": "system", "content": body["instructions"]})
    prompt = prompt_text(_schema(body), body.get("tools"), turns)
    functions = [tool for tool in body.get("tools") or [] if tool.get("type") == "function"]
    last = turns[-1] if turns else {}
    answered = isinstance(last, dict) and last.get("type") == "function_call_output"
    tool = chosen_tool(exchange, functions, answered=answered)
    wish = Wish(prompt, _schema(body), tool, body.get("max_output_tokens"), reasons(exchange.model))
    draft = compose(wish, exchange.plan)
    usage = exchange.usage(_usage(exchange, prompt, draft))
    final = _response(exchange, draft, usage)
    sizes = int(usage.get("input_tokens") or 0), int(usage.get("output_tokens") or 0)
    if final["background"]:
        exchange.keep(final["id"], _Work(draft, final))
    if exchange.streamed:
        return _stream(draft, final, sizes)
    return Answer(*sizes, {**final, **_UNDONE, "status": "queued"} if final["background"] else final)


@dataclass
class _Work:
    """In the background; asked for the first time it is not done yet."""

    draft: Draft
    final: Json
    asked: int = 0


_UNDONE: Final[Json] = {"output": [], "usage": None, "incomplete_details": None, "completed_at": None}


def retrieved(exchange: Exchange) -> Answer:
    """A response that works in the background, plain or streamed. Raises Refused."""
    work = exchange.kept.get(exchange.path["response_id"])
    if not isinstance(work, _Work):
        raise Refused(NOT_FOUND, f"Response with id '{exchange.path['response_id']}' not found.", "id")
    work.asked += 1
    if exchange.streamed:
        return _stream(work.draft, work.final, (0, 0))
    return Answer(0, 0, work.final if work.asked > 1 else {**work.final, **_UNDONE, "status": "in_progress"})


def compact(exchange: Exchange) -> Answer:
    """A conversation made shorter: its turns, and what replaces the rest. Raises Refused."""
    turns = exchange.require("input")
    prompt = prompt_text(None, None, [{"role": "user", "content": turns}] if isinstance(turns, str) else list(turns))
    draft = compose(Wish(prompt), exchange.plan)
    usage = exchange.usage(_usage(exchange, prompt, draft))
    sizes = int(usage.get("input_tokens") or 0), int(usage.get("output_tokens") or 0)
    kept = {"id": f"cmp_{uuid.uuid4().hex}", "type": "compaction", "encrypted_content": draft.text}
    told = {"id": f"resp_{uuid.uuid4().hex}", "object": "response.compaction", "created_at": int(time.time())}
    return Answer(*sizes, {**told, "output": [kept], "usage": usage})


def decisions(exchange: Exchange) -> Answer:
    """Questions answered about an input, each with a yes. Raises Refused."""
    given = exchange.require("input")
    questions = exchange.require("questions")
    prompt = prompt_text(None, None, [{"role": "user", "content": given}] if isinstance(given, str) else list(given))
    draft = compose(Wish(prompt), exchange.plan)
    usage = exchange.usage(_usage(exchange, prompt, draft))
    usage["input_tokens_details"] = {"cache_write_tokens": 0, **usage["input_tokens_details"]}
    answers = [{"type": "predicate", "name": each.get("name"), "probability": 1.0} for each in questions]
    sizes = int(usage.get("input_tokens") or 0), int(usage.get("output_tokens") or 0)
    return Answer(*sizes, {"answers": answers, "model": exchange.model, "usage": usage})


def _schema(body: Json) -> Json | None:
    wanted = (body.get("text") or {}).get("format") or {}
    if wanted.get("type") == "json_schema":
        schema: Json = wanted.get("schema") or ANY_JSON
        return schema
    return ANY_JSON if wanted.get("type") == "json_object" else None


def _usage(exchange: Exchange, prompt: str, draft: Draft) -> Json:
    tokens = counted_tokens(prompt)
    use, _ = cache_use(exchange, prompt)
    return {
        "input_tokens": tokens,
        "input_tokens_details": input_details(use),
        "output_tokens": draft.output_tokens,
        "output_tokens_details": {"reasoning_tokens": draft.reasoning_tokens},
        "total_tokens": tokens + draft.output_tokens,
    }


def _response(exchange: Exchange, draft: Draft, usage: Json) -> Json:
    body = exchange.body
    return {
        "id": f"resp_{uuid.uuid4().hex}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "incomplete" if draft.truncated else "completed",
        "background": body.get("background") is True,
        "completed_at": int(time.time()),
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if draft.truncated else None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "model": exchange.model,
        "output": _output(draft, likely="message.output_text.logprobs" in (body.get("include") or ())),
        "parallel_tool_calls": True,
        "previous_response_id": body.get("previous_response_id"),
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": True,
        "temperature": body.get("temperature", 1.0),
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools") or [],
        "top_p": body.get("top_p", 1.0),
        "truncation": "disabled",
        "usage": usage,
        "user": None,
        "metadata": body.get("metadata") or {},
    }


def _output(draft: Draft, *, likely: bool) -> list[Json]:
    items: list[Json] = []
    if draft.reasoning_tokens:
        items.append({"id": f"rs_{uuid.uuid4().hex}", "type": "reasoning", "summary": []})
    state = "incomplete" if draft.truncated else "completed"
    return [*items, _tool_item(draft, state) if draft.tool else _message_item(draft, state, likely=likely)]


def _tool_item(draft: Draft, state: str) -> Json:
    return {
        "id": f"fc_{uuid.uuid4().hex}",
        "type": "function_call",
        "status": state,
        "arguments": draft.text,
        "call_id": f"call_{uuid.uuid4().hex[:24]}",
        "name": draft.tool,
    }


def _message_item(draft: Draft, state: str, *, likely: bool) -> Json:
    return {
        "id": f"msg_{uuid.uuid4().hex}",
        "type": "message",
        "status": state,
        "role": "assistant",
        "content": [_part(draft.text, likelihood(draft.text)["content"] if likely else None)],
    }


def _part(text: str, logprobs: list[Json] | None = None) -> Json:
    return {"type": "output_text", "annotations": [], "logprobs": logprobs or [], "text": text}


class _Numbered:
    """Builds events in the order they are sent, each with its sequence number."""

    def __init__(self) -> None:
        self._next = 0

    def __call__(self, kind: str, **data: Any) -> str:
        text = event({"type": kind, "sequence_number": self._next, **data}, kind)
        self._next += 1
        return text


def _stream(draft: Draft, final: Json, sizes: tuple[int, int]) -> Answer:
    send = _Numbered()
    opened = {**final, **_UNDONE, "status": "in_progress"}
    head = [send("response.created", response=opened), send("response.in_progress", response=opened)]
    *before, item = final["output"]
    for index, reasoning in enumerate(before):
        head.append(send("response.output_item.added", output_index=index, item=reasoning))
        head.append(send("response.output_item.done", output_index=index, item=reasoning))
    place = {"item_id": item["id"], "output_index": len(before)}
    content = _tool_events if draft.tool else _text_events
    opening, pieces, closing = content(send, draft, item, place)
    closing.append(send("response.output_item.done", output_index=len(before), item=item))
    closing.append(send(f"response.{final['status']}", response=final))
    return Answer(*sizes, head=[*head, *opening], pieces=pieces, tail=closing)


def _text_events(send: _Numbered, draft: Draft, item: Json, place: Json) -> tuple[list[str], list[str], list[str]]:
    place = {**place, "content_index": 0}
    empty = {**item, "status": "in_progress", "content": []}
    head = [
        send("response.output_item.added", output_index=place["output_index"], item=empty),
        send("response.content_part.added", **place, part=_part("")),
    ]
    pieces = [send("response.output_text.delta", **place, delta=piece, logprobs=[]) for piece in draft.pieces]
    tail = [
        send("response.output_text.done", **place, text=draft.text, logprobs=[]),
        send("response.content_part.done", **place, part=_part(draft.text)),
    ]
    return head, pieces, tail


def _tool_events(send: _Numbered, draft: Draft, item: Json, place: Json) -> tuple[list[str], list[str], list[str]]:
    empty = {**item, "status": "in_progress", "arguments": ""}
    head = [send("response.output_item.added", output_index=place["output_index"], item=empty)]
    pieces = [send("response.function_call_arguments.delta", **place, delta=piece) for piece in draft.pieces]
    done = send("response.function_call_arguments.done", **place, name=draft.tool, arguments=draft.text)
    return head, pieces, [done]
