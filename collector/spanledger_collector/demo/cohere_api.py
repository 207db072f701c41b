"""Cohere on loopback: v1 and v2 of chat, embed and rerank, and v1's generate. Base URL: ``{url}/cohere``.

What is billed leaves out the template around the prompt that the count of tokens includes. No reply names its
model.
"""

from __future__ import annotations

import base64
import struct
import uuid
from typing import TYPE_CHECKING, Any

from spanledger_collector.demo.draft import Draft, Refused, Wish, compact, compose
from spanledger_collector.demo.exchange import BAD_REQUEST, Answer, Exchange, event, tokens
from spanledger_collector.demo.openai_chat import DONE
from spanledger_collector.demo.openai_prompt import ANY_JSON, chosen_tool, content_text, prompt_text
from spanledger_collector.demo.prefix_cache import count
from spanledger_collector.demo.prose import Json, vector
from spanledger_collector.demo.provider_api import Fault, ProviderApi

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanledger_collector.demo.faults import Allowance

TEMPLATE_TOKENS = 66  # around every prompt, counted and not billed
DOCUMENTS_PER_SEARCH_UNIT = 100
DIMENSIONS = 1024
ERRORS_OF_SERVER = 500
LINES = "application/stream+json"
MESSAGES = {
    400: "invalid request",
    401: "invalid api token",
    404: "model not found, make sure the correct model ID was used and that you have access to the model.",
    429: "You have exceeded your rate limit. Please contact sales@cohere.com to increase it.",
    500: "internal server error, this has been reported to our developers",
    503: "service unavailable",
}
KINDS = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "dict": "object", "list": "array"}


def _usage(prompt: str, draft: Draft) -> Json:
    size = max(1, count(prompt))
    return {
        "billed_units": {"input_tokens": size, "output_tokens": draft.output_tokens},
        "tokens": {"input_tokens": size + TEMPLATE_TOKENS, "output_tokens": draft.output_tokens},
    }


def _sizes(usage: Json) -> tuple[int, int]:
    counted = usage.get("tokens") or usage.get("billed_units") or {}
    return tokens(counted, "input_tokens"), tokens(counted, "output_tokens")


def chat(exchange: Exchange) -> Answer:
    """v2 chat, plain or as named events of which the last tells the usage. Raises Refused."""
    body, turns = exchange.body, exchange.require("messages")
    schema = _schema(body)
    prompt = prompt_text(schema, body.get("tools"), turns)
    functions = [tool.get("function", {}) for tool in body.get("tools") or []]
    answered = bool(turns) and turns[-1].get("role") == "tool"
    forced = {"REQUIRED": "required", "NONE": "none"}.get(str(body.get("tool_choice")), "auto")
    tool = chosen_tool(exchange, functions, answered=answered, choice=forced)
    draft = compose(Wish(prompt, schema, tool, body.get("max_tokens")), exchange.plan)
    usage = exchange.usage(_usage(prompt, draft))
    if exchange.streamed:
        return _events(draft, usage)
    reply = {"id": str(uuid.uuid4()), "finish_reason": _finish(draft), "message": _message(draft), "usage": usage}
    return Answer(*_sizes(usage), reply)


def _schema(body: Json) -> Json | None:
    wanted = body.get("response_format") or {}
    schema: Json | None = wanted.get("json_schema") or wanted.get("schema")
    return schema or (ANY_JSON if wanted.get("type") == "json_object" else None)


def _finish(draft: Draft) -> str:
    return "MAX_TOKENS" if draft.truncated else "TOOL_CALL" if draft.tool else "COMPLETE"


def _call(draft: Draft, arguments: str) -> Json:
    function = {"name": draft.tool, "arguments": arguments}
    return {"id": f"{draft.tool}_{uuid.uuid4().hex[:12]}", "type": "function", "function": function}


def _message(draft: Draft) -> Json:
    if not draft.tool:
        return {"role": "assistant", "content": [{"type": "text", "text": draft.text}]}
    return {"role": "assistant", "tool_plan": "I will look it up.", "tool_calls": [_call(draft, draft.text)]}


def _events(draft: Draft, usage: Json) -> Answer:
    def send(kind: str, **data: Any) -> str:
        return event({"type": kind, **data}, kind)

    def message(**data: Any) -> Json:
        return {"delta": {"message": data}}

    blank = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    head = [send("message-start", id=str(uuid.uuid4()), **message(**blank))]
    if draft.tool:
        head += [send("tool-plan-delta", **message(tool_plan="I will look it up."))]
        head += [send("tool-call-start", index=0, **message(tool_calls=_call(draft, "")))]
        told = [message(tool_calls={"function": {"arguments": piece}}) for piece in draft.pieces]
        pieces, end = [send("tool-call-delta", index=0, **each) for each in told], "tool-call-end"
    else:
        head += [send("content-start", index=0, **message(content={"type": "text", "text": ""}))]
        told = [message(content={"text": piece}) for piece in draft.pieces]
        pieces, end = [send("content-delta", index=0, **each) for each in told], "content-end"
    last = send("message-end", delta={"finish_reason": _finish(draft), "usage": usage})
    return Answer(*_sizes(usage), head=head, pieces=pieces, tail=[send(end, index=0), last, DONE])


def chat_v1(exchange: Exchange) -> Answer:
    """v1 chat, plain or as JSON lines of which the last holds the whole reply. Raises Refused."""
    body, schema = exchange.body, _schema(exchange.body)
    turns = [{"role": "SYSTEM", "content": body.get("preamble")}] if body.get("preamble") else []
    turns += [{"role": each.get("role"), "content": each.get("message")} for each in body.get("chat_history") or []]
    turns += [{"role": "TOOL", "content": compact(each)} for each in body.get("tool_results") or []]
    turns += [{"role": "USER", "content": body.get("message") or ""}]
    prompt = prompt_text(schema, body.get("tools"), turns)
    tool = chosen_tool(exchange, _tools_v1(body), answered=bool(body.get("tool_results")), choice="auto")
    draft = compose(Wish(prompt, schema, tool, body.get("max_tokens")), exchange.plan)
    usage = exchange.usage(_usage(prompt, draft))
    reply = _reply_v1(draft, usage)
    return _lines(draft, reply, _sizes(usage)) if exchange.streamed else Answer(*_sizes(usage), reply)


def _tools_v1(body: Json) -> list[Json]:
    """Tools with Python's names of types, as JSON schemas."""

    def parameters(tool: Json) -> Json:
        named = (tool.get("parameter_definitions") or {}).items()
        kinds = {name: {"type": KINDS.get(str(each.get("type")).lower(), "string")} for name, each in named}
        return {"type": "object", "properties": kinds}

    return [{"name": tool.get("name"), "parameters": parameters(tool)} for tool in body.get("tools") or []]


def _reply_v1(draft: Draft, usage: Json) -> Json:
    finish = "MAX_TOKENS" if draft.truncated else "COMPLETE"
    reply = {"response_id": str(uuid.uuid4()), "generation_id": str(uuid.uuid4()), "chat_history": []}
    told: Json = {"text": draft.text}
    if draft.tool:
        told = {"text": "I will look it up.", "tool_calls": [{"name": draft.tool, "parameters": draft.arguments}]}
    return {**reply, **told, "finish_reason": finish, "meta": {"api_version": {"version": "1"}, **usage}}


def _line(kind: str, *, finished: bool = False, **data: Any) -> str:
    return compact({"is_finished": finished, "event_type": kind, **data}) + "\n"


def _lines(draft: Draft, reply: Json, sizes: tuple[int, int]) -> Answer:
    head, tail = [_line("stream-start", generation_id=reply["generation_id"])], []
    if draft.tool:
        begun = {"index": 0, "name": draft.tool}
        head.append(_line("tool-calls-chunk", tool_call_delta=begun))
        deltas = [{"index": 0, "parameters": piece} for piece in draft.pieces]
        pieces = [_line("tool-calls-chunk", tool_call_delta=delta) for delta in deltas]
        tail = [_line("tool-calls-generation", text=reply["text"], tool_calls=reply["tool_calls"])]
    else:
        pieces = [_line("text-generation", text=piece) for piece in draft.pieces]
    end = _line("stream-end", finished=True, finish_reason=reply["finish_reason"], response=reply)
    return Answer(*sizes, head=head, pieces=pieces, tail=[*tail, end], media=LINES)


def generate(exchange: Exchange) -> Answer:
    """v1 generate, plain or as JSON lines; the stream tells no usage. Raises Refused."""
    prompt = str(exchange.require("prompt"))
    draft = compose(Wish(prompt, most_tokens=exchange.body.get("max_tokens")), exchange.plan)
    usage = exchange.usage({"billed_units": _usage(prompt, draft)["billed_units"]})
    finish = "MAX_TOKENS" if draft.truncated else "COMPLETE"
    made = {"id": str(uuid.uuid4()), "text": draft.text, "finish_reason": finish}
    reply = {"id": str(uuid.uuid4()), "prompt": prompt, "generations": [made]}
    if not exchange.streamed:
        return Answer(*_sizes(usage), {**reply, "meta": {"api_version": {"version": "1"}, **usage}})
    pieces = [_line("text-generation", text=piece) for piece in draft.pieces]
    end = _line("stream-end", finished=True, finish_reason=finish, response=reply)
    return Answer(*_sizes(usage), pieces=pieces, tail=[end], media=LINES)


def embed_v1(exchange: Exchange) -> Answer:
    """Vectors, bare unless types are asked for. Raises Refused."""
    return _embedded(exchange, exchange.body.get("embedding_types") or [])


def embed(exchange: Exchange) -> Answer:
    """Vectors by type. Raises Refused."""
    return _embedded(exchange, exchange.body.get("embedding_types") or ["float"])


def _embedded(exchange: Exchange, kinds: list[str]) -> Answer:
    """Texts are billed by token, images by number."""
    body = exchange.body
    texts = [str(text) for text in body.get("texts") or []] + [_input_text(each) for each in body.get("inputs") or []]
    images = [str(image) for image in body.get("images") or []]
    if not texts and not images:
        raise Refused(BAD_REQUEST, "invalid request: valid texts, images or inputs must be provided")
    vectors = [vector(text, int(body.get("output_dimension") or DIMENSIONS)) for text in [*texts, *images]]
    billed = {"images": len(images)} if images else {"input_tokens": sum(max(1, count(text)) for text in texts)}
    usage = exchange.usage({"billed_units": billed})
    found: Any = {kind: [_typed(kind, each) for each in vectors] for kind in kinds} if kinds else vectors
    shape = "embeddings_by_type" if kinds else "embeddings_floats"
    reply = {"id": str(uuid.uuid4()), "response_type": shape, "texts": texts, "embeddings": found}
    return Answer(*_sizes(usage), {**reply, "meta": {"api_version": {"version": "2" if kinds else "1"}, **usage}})


def _input_text(given: Json) -> str:
    return content_text(given.get("content"))


def _typed(kind: str, values: Sequence[float]) -> Any:
    if kind == "float":
        return values
    if kind in ("int8", "uint8"):
        return [round(value * 127) + (128 if kind == "uint8" else 0) for value in values]
    if kind == "base64":
        return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()
    raise Refused(BAD_REQUEST, f"embedding_types: '{kind}' is not supported here: use float, int8, uint8 or base64")


def rerank(exchange: Exchange) -> Answer:
    """Documents by the words they share with the query, billed in search units. Raises Refused."""
    query, documents = vector(str(exchange.require("query")), DIMENSIONS), exchange.require("documents")
    scores = [
        sum(a * b for a, b in zip(query, vector(content_text(_read(each)), DIMENSIONS), strict=True))
        for each in documents
    ]
    best = sorted(range(len(scores)), key=lambda index: -scores[index])[: exchange.body.get("top_n")]
    results = [{"index": index, "relevance_score": round(max(0.0, scores[index]), 6)} for index in best]
    usage = exchange.usage({"billed_units": {"search_units": -(-len(documents) // DOCUMENTS_PER_SEARCH_UNIT)}})
    meta = {"api_version": {"version": "2"}, **usage}
    return Answer(0, 0, {"id": str(uuid.uuid4()), "results": results, "meta": meta})


def _read(document: Any) -> Any:
    return document.get("text", compact(document)) if isinstance(document, dict) else document


def _fault(fault: Fault) -> Json:
    usual = MESSAGES[500 if fault.status >= ERRORS_OF_SERVER else 400]
    return {"id": fault.request_id, "message": fault.message or MESSAGES.get(fault.status, usual)}


def _broken_stream(path: str) -> str:
    """The SDK raises nothing for these: the stream ends with its reason."""
    text = MESSAGES[ERRORS_OF_SERVER]
    if path.endswith("/v2/chat"):
        return event({"type": "message-end", "delta": {"finish_reason": "ERROR", "error": text}}, "message-end")
    if path.endswith("/generate"):
        return _line("stream-error", finished=True, finish_reason="ERROR", err=text)
    return _line("stream-end", finished=True, finish_reason="ERROR", response={"text": "", "finish_reason": "ERROR"})


def _headers(_: Allowance, request_id: str) -> dict[str, str]:
    return {"x-debug-trace-id": request_id}


API = ProviderApi(
    name="cohere",
    mount="/cohere",
    endpoints={
        "/v1/chat": chat_v1,
        "/v1/generate": generate,
        "/v1/embed": embed_v1,
        "/v1/rerank": rerank,
        "/v2/chat": chat,
        "/v2/embed": embed,
        "/v2/rerank": rerank,
    },
    fault=_fault,
    broken_stream=_broken_stream,
    headers=_headers,
)
