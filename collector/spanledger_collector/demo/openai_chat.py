"""POST /v1/chat/completions and POST /v1/embeddings as OpenAI answers them."""

from __future__ import annotations

import base64
import struct
import time
import uuid
from typing import TYPE_CHECKING, Any

from spanledger_collector.demo.draft import Draft, Refused, Wish, compose
from spanledger_collector.demo.exchange import BAD_REQUEST, Answer, Exchange, event
from spanledger_collector.demo.openai_prompt import (
    ANY_JSON,
    cache_use,
    chosen_tool,
    counted_tokens,
    input_details,
    prompt_text,
    reasons,
)
from spanledger_collector.demo.prefix_cache import TOKEN_CHARS, CacheUse, count
from spanledger_collector.demo.prose import Json, vector

if TYPE_CHECKING:
    from collections.abc import Sequence

DONE = "data: [DONE]\n\n"
DIMENSIONS = {"text-embedding-3-large": 3072}
USUAL_DIMENSIONS = 1536


def chat(exchange: Exchange) -> Answer:
    """A chat completion, plain or streamed. Raises Refused."""
    prompt, draft = chat_draft(exchange)
    choices = int(exchange.body.get("n") or 1)
    use, charged = cache_use(exchange, prompt)
    usage = exchange.usage(_usage(counted_tokens(prompt), draft, choices, use))
    if not charged and exchange.plan.usage is None:
        del usage["prompt_tokens_details"]["cache_write_tokens"]
    return _answer(exchange, draft, choices, usage)


def chat_draft(exchange: Exchange) -> tuple[str, Draft]:
    """The prompt as one text and the answer to it, for every API of this shape. Raises Refused."""
    body = exchange.body
    messages = exchange.require("messages")
    if not isinstance(messages, list):
        raise Refused(BAD_REQUEST, "Invalid type for 'messages': expected an array of objects.", "messages")
    prompt = prompt_text(_schema(body), body.get("tools"), messages)
    functions = [tool.get("function", {}) for tool in body.get("tools") or []]
    last = messages[-1] if messages else {}
    answered = isinstance(last, dict) and last.get("role") == "tool"
    wish = Wish(
        prompt,
        _schema(body),
        chosen_tool(exchange, functions, answered=answered),
        body.get("max_completion_tokens") or body.get("max_tokens"),
        reasons(exchange.model),
    )
    return prompt, compose(wish, exchange.plan)


def _schema(body: Json) -> Json | None:
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        schema: Json = wanted.get("json_schema", {}).get("schema") or ANY_JSON
        return schema
    return ANY_JSON if wanted.get("type") == "json_object" else None


def _usage(input_tokens: int, draft: Draft, choices: int, use: CacheUse) -> Json:
    output = draft.output_tokens * choices
    return {
        "prompt_tokens": input_tokens,
        "completion_tokens": output,
        "total_tokens": input_tokens + output,
        "prompt_tokens_details": {**input_details(use), "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": draft.reasoning_tokens * choices,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _answer(exchange: Exchange, draft: Draft, choices: int, usage: Json) -> Answer:
    frame = {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "created": int(time.time()),
        "model": exchange.model,
        "service_tier": "default",
        "system_fingerprint": "fp_simulated",
    }
    sizes = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
    if exchange.streamed:
        asked = bool((exchange.body.get("stream_options") or {}).get("include_usage"))
        return _stream(exchange, draft, frame, usage if asked else None, sizes)
    likely = likelihood(draft.text) if exchange.body.get("logprobs") is True else None
    parts = [_choice(index, draft, likely) for index in range(choices)]
    return Answer(*sizes, {**frame, "object": "chat.completion", "choices": parts, "usage": usage})


def finish(draft: Draft) -> str:
    return "length" if draft.truncated else "tool_calls" if draft.tool else "stop"


def likelihood(text: str) -> Json:
    """Of each token of ``text``: the more characters it has in common with the canary, the likelier."""
    told = []
    for start in range(0, len(text), TOKEN_CHARS):
        token = text[start : start + TOKEN_CHARS]
        logprob = -0.25 * (1 + len(set(token) - set("canary")))
        told.append({"token": token, "logprob": logprob, "bytes": list(token.encode()), "top_logprobs": []})
    return {"content": told, "refusal": None}


def _choice(index: int, draft: Draft, likely: Json | None) -> Json:
    message: Json = {"role": "assistant", "content": draft.text, "refusal": None, "annotations": []}
    if draft.tool:
        message["content"] = None
        message["tool_calls"] = [tool_call(draft.tool, draft.text)]
    return {"index": index, "message": message, "logprobs": likely, "finish_reason": finish(draft)}


def tool_call(name: str, arguments: str) -> Json:
    call = {"name": name, "arguments": arguments}
    return {"id": f"call_{uuid.uuid4().hex[:24]}", "type": "function", "function": call}


def _stream(exchange: Exchange, draft: Draft, frame: Json, usage: Json | None, sizes: tuple[int, int]) -> Answer:
    """With ``usage``, every chunk has the field: null but in one last chunk without choices."""
    frame = {**frame, "object": "chat.completion.chunk"}
    blank = {} if usage is None else {"usage": None}

    likely = exchange.body.get("logprobs") is True

    def chunk(delta: Json, finish: str | None = None, index: int = 0) -> str:
        said = delta.get("content")
        logprobs = likelihood(said) if likely and said else None
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return event({**frame, "choices": [choice], **blank})

    numbers = range(int(exchange.body.get("n") or 1))
    head = [chunk(_opening(draft), index=index) for index in numbers]
    pieces = ["".join(chunk(_delta(draft, piece), index=index) for index in numbers) for piece in draft.pieces]
    tail = [chunk({}, finish(draft), index) for index in numbers]
    if usage is not None:
        tail.append(event({**frame, "choices": [], "usage": usage}))
    return Answer(*sizes, head=head, pieces=pieces, tail=[*tail, DONE])


def _opening(draft: Draft) -> Json:
    if not draft.tool:
        return {"role": "assistant", "content": "", "refusal": None}
    return {"role": "assistant", "content": None, "tool_calls": [{"index": 0, **tool_call(draft.tool, "")}]}


def _delta(draft: Draft, piece: str) -> Json:
    if not draft.tool:
        return {"content": piece}
    return {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}


def embeddings(exchange: Exchange) -> Answer:
    """Vectors, as floats or base64. Raises Refused."""
    texts = input_texts(exchange.require("input"))
    size = int(exchange.body.get("dimensions") or DIMENSIONS.get(exchange.model, USUAL_DIMENSIONS))
    packed = exchange.body.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _packed(values) if packed else values}
        for index, values in enumerate(vector(text, size) for text in texts)
    ]
    tokens = sum(max(1, count(text)) for text in texts)
    usage = exchange.usage({"prompt_tokens": tokens, "total_tokens": tokens})
    body = {"object": "list", "data": data, "model": exchange.model, "usage": usage}
    return Answer(int(usage.get("prompt_tokens") or 0), 0, body)


def input_texts(given: Any) -> list[str]:
    """Texts, or lists of token numbers written out so that each counts as one token."""
    if isinstance(given, str):
        return [given]
    if given and all(isinstance(each, int) for each in given):
        return [_tokens_text(given)]
    return [each if isinstance(each, str) else _tokens_text(each) for each in given]


def _tokens_text(tokens: Sequence[int]) -> str:
    return "".join(f"{token % 1000:03} " for token in tokens)


def _packed(values: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()
