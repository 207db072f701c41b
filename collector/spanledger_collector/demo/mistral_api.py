"""Mistral on loopback: chat, FIM, agents, conversations, embeddings. Base URL (``server_url``): ``{url}/mistral``."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from spanledger_collector.demo import mistral_conversations as conversations
from spanledger_collector.demo.draft import Draft, Wish, compose
from spanledger_collector.demo.exchange import Answer, Exchange, event, tokens
from spanledger_collector.demo.openai_chat import DONE, chat_draft, finish, input_texts, tool_call
from spanledger_collector.demo.openai_prompt import counted_tokens
from spanledger_collector.demo.prefix_cache import count
from spanledger_collector.demo.prose import Json, vector
from spanledger_collector.demo.provider_api import Fault, ProviderApi

if TYPE_CHECKING:
    from spanledger_collector.demo.faults import Allowance

ERRORS_OF_SERVER = 500
DIMENSIONS = 1024
# status -> (type, code, message)
ERRORS: dict[int, tuple[str, str, str]] = {
    400: ("invalid_request_error", "3051", "The request is invalid."),
    401: ("invalid_request_error", "1100", "Unauthorized"),
    404: ("invalid_model", "1500", "Invalid model"),
    429: ("rate_limited", "1300", "Rate limit exceeded"),
    500: ("internal_server_error", "3000", "Internal server error"),
    503: ("unavailable", "3000", "Service unavailable."),
}


def chat(exchange: Exchange) -> Answer:
    """A chat completion, plain or streamed. Raises Refused."""
    return _answer(exchange, *chat_draft(exchange))


def agent(exchange: Exchange) -> Answer:
    """The same, with the model of the agent. Raises Refused."""
    exchange.require("agent_id")
    return chat(replace(exchange, body={**exchange.body, "model": conversations.AGENT_MODEL}))


def fim(exchange: Exchange) -> Answer:
    """What stands between a prompt and a suffix. Raises Refused."""
    prompt = f"{exchange.require('prompt')}\n{exchange.body.get('suffix') or ''}"
    return _answer(exchange, prompt, compose(Wish(prompt, most_tokens=exchange.body.get("max_tokens")), exchange.plan))


def _usage(prompt: str, output_tokens: int) -> Json:
    size = counted_tokens(prompt)
    return {"prompt_tokens": size, "completion_tokens": output_tokens, "total_tokens": size + output_tokens}


def _answer(exchange: Exchange, prompt: str, draft: Draft) -> Answer:
    choices = range(int(exchange.body.get("n") or 1))
    usage = exchange.usage(_usage(prompt, draft.output_tokens * len(choices)))
    frame = {"id": uuid.uuid4().hex, "created": int(time.time()), "model": exchange.model}
    sizes = tokens(usage, "prompt_tokens"), tokens(usage, "completion_tokens")
    if exchange.streamed:
        return _stream(draft, choices, {**frame, "object": "chat.completion.chunk"}, usage, sizes)
    parts = [{"index": index, "message": _message(draft), "finish_reason": finish(draft)} for index in choices]
    return Answer(*sizes, {**frame, "object": "chat.completion", "choices": parts, "usage": usage})


def _message(draft: Draft) -> Json:
    if not draft.tool:
        return {"role": "assistant", "content": draft.text, "tool_calls": None, "prefix": False}
    return {"role": "assistant", "content": "", "tool_calls": [tool_call(draft.tool, draft.text)], "prefix": False}


def _stream(draft: Draft, choices: range, frame: Json, usage: Json, sizes: tuple[int, int]) -> Answer:
    """Usage comes unasked, on the chunk that finishes the last choice."""

    def chunk(index: int, delta: Json, end: str | None = None, **more: Json) -> str:
        return event({**frame, "choices": [{"index": index, "delta": delta, "finish_reason": end}], **more})

    head = [chunk(index, {"role": "assistant", "content": ""}) for index in choices]
    told = [] if draft.tool else draft.pieces
    pieces = ["".join(chunk(index, {"content": piece}) for index in choices) for piece in told]
    last = {"content": "", "tool_calls": [{**tool_call(draft.tool, draft.text), "index": 0}] if draft.tool else None}
    *others, final = choices
    tail = [chunk(index, last, finish(draft)) for index in others]
    tail += [chunk(final, last, finish(draft), usage=usage), DONE]
    return Answer(*sizes, head=head, pieces=pieces, tail=tail)


def embeddings(exchange: Exchange) -> Answer:
    """Vectors. Raises Refused."""
    texts = input_texts(exchange.require("input"))
    size = int(exchange.body.get("output_dimension") or DIMENSIONS)
    data = [
        {"object": "embedding", "index": index, "embedding": vector(text, size)} for index, text in enumerate(texts)
    ]
    total = sum(max(1, count(text)) for text in texts)
    usage = exchange.usage({"prompt_tokens": total, "completion_tokens": 0, "total_tokens": total})
    body = {"id": uuid.uuid4().hex, "object": "list", "data": data, "model": exchange.model, "usage": usage}
    return Answer(tokens(usage, "prompt_tokens"), 0, body)


def _fault(fault: Fault) -> Json:
    kind, code, text = ERRORS.get(fault.status, ERRORS[500 if fault.status >= ERRORS_OF_SERVER else 400])
    return {"object": "error", "message": fault.message or text, "type": kind, "param": fault.param, "code": code}


def _broken_stream(path: str) -> str:
    if "/conversations" in path:
        return conversations.BROKEN
    return event(_fault(Fault(ERRORS_OF_SERVER)))


def _headers(allowance: Allowance, request_id: str) -> dict[str, str]:
    headers = {"mistral-correlation-id": request_id, "x-kong-request-id": request_id}
    for name, bucket in (("req", allowance.requests), ("tokens", allowance.input)):
        headers[f"x-ratelimit-limit-{name}-minute"] = str(bucket.limit)
        headers[f"x-ratelimit-remaining-{name}-minute"] = str(bucket.remaining)
    return headers


API = ProviderApi(
    name="mistral",
    mount="/mistral",
    endpoints={
        "/v1/chat/completions": chat,
        "/v1/fim/completions": fim,
        "/v1/agents/completions": agent,
        "/v1/embeddings": embeddings,
        "/v1/conversations": conversations.start,
        "/v1/conversations/{conversation}": conversations.append,
        "/v1/conversations/{conversation}/restart": conversations.restart,
    },
    fault=_fault,
    broken_stream=_broken_stream,
    headers=_headers,
)
