"""Mistral's conversations: started, continued and restarted, with every event of their stream."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

from spanledger_collector.demo.draft import Draft, Refused, Wish, compose
from spanledger_collector.demo.exchange import Answer, Exchange, event, tokens
from spanledger_collector.demo.openai_prompt import ANY_JSON, chosen_tool, counted_tokens, prompt_text

if TYPE_CHECKING:
    from spanledger_collector.demo.prose import Json

NOT_FOUND = 404
AGENT_MODEL = "mistral-medium-2508"  # an agent's request names no model, its reply does
ERROR = "conversation.response.error"
BROKEN = event({"type": ERROR, "message": "Internal server error", "code": 3000}, ERROR)


def start(exchange: Exchange) -> Answer:
    """A conversation's first turn. Raises Refused."""
    return _turn(exchange, f"conv_{uuid.uuid4().hex}", [], exchange.body)


def append(exchange: Exchange) -> Answer:
    """One turn more: everything said before is paid for again. Raises Refused."""
    before = _before(exchange)
    return _turn(exchange, exchange.path["conversation"], before["turns"], before["asked"])


def restart(exchange: Exchange) -> Answer:
    """A new conversation from an earlier one's turns. Raises Refused."""
    before = _before(exchange)
    return _turn(exchange, f"conv_{uuid.uuid4().hex}", before["turns"], before["asked"])


def _before(exchange: Exchange) -> Json:
    name = exchange.path["conversation"]
    if name not in exchange.kept:
        raise Refused(NOT_FOUND, f"Conversation {name} not found.")
    before: Json = exchange.kept[name]
    return before


def _turn(exchange: Exchange, name: str, turns: list[Any], asked: Json) -> Answer:
    given = exchange.require("inputs")
    turns = [*turns, *([{"role": "user", "content": given}] if isinstance(given, str) else given)]
    prompt, draft = _draft(exchange, turns, asked)
    model = str(asked.get("model") or AGENT_MODEL)
    entry = _entry(draft, model)
    exchange.keep(name, {"turns": [*turns, entry], "asked": asked})
    size = counted_tokens(prompt)
    counted = {"prompt_tokens": size, "completion_tokens": draft.output_tokens}
    usage = exchange.usage({**counted, "total_tokens": sum(counted.values()), "connector_tokens": None})
    sizes = tokens(usage, "prompt_tokens", "connector_tokens"), tokens(usage, "completion_tokens")
    if exchange.streamed:
        return _stream(draft, name, entry, usage, sizes)
    reply = {"object": "conversation.response", "conversation_id": name, "outputs": [entry], "usage": usage}
    return Answer(*sizes, reply)


def _draft(exchange: Exchange, turns: list[Any], asked: Json) -> tuple[str, Draft]:
    args = exchange.body.get("completion_args") or asked.get("completion_args") or {}
    wanted = args.get("response_format") or {}
    schema = (wanted.get("json_schema") or {}).get("schema") or (ANY_JSON if wanted.get("type") else None)
    system = [{"role": "system", "content": asked["instructions"]}] if asked.get("instructions") else []
    prompt = prompt_text(schema, asked.get("tools"), [*system, *turns])
    functions = [tool["function"] for tool in asked.get("tools") or [] if tool.get("type") == "function"]
    answered = isinstance(turns[-1], dict) and turns[-1].get("type") == "function.result"
    wish = Wish(prompt, schema, chosen_tool(exchange, functions, answered=answered), args.get("max_tokens"))
    return prompt, compose(wish, exchange.plan)


def _entry(draft: Draft, model: str) -> Json:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    entry = {"object": "entry", "created_at": now, "completed_at": now, "model": model}
    if not draft.tool:
        text = {"type": "message.output", "role": "assistant", "content": draft.text}
        return {**entry, **text, "id": f"msg_{uuid.uuid4().hex}"}
    call = {"type": "function.call", "name": draft.tool, "arguments": draft.text}
    return {**entry, **call, "id": f"fc_{uuid.uuid4().hex}", "tool_call_id": uuid.uuid4().hex[:9]}


def _stream(draft: Draft, name: str, entry: Json, usage: Json, sizes: tuple[int, int]) -> Answer:
    def send(kind: str, **data: Any) -> str:
        return event({"type": kind, "created_at": entry["created_at"], **data}, kind)

    place = {"id": entry["id"], "output_index": 0, "model": entry["model"]}
    if draft.tool:
        call = {"name": draft.tool, "tool_call_id": entry["tool_call_id"]}
        pieces = [send("function.call.delta", **place, **call, arguments=piece) for piece in draft.pieces]
    else:
        place |= {"content_index": 0, "role": "assistant"}
        pieces = [send("message.output.delta", **place, content=piece) for piece in draft.pieces]
    head = [send("conversation.response.started", conversation_id=name)]
    return Answer(*sizes, head=head, pieces=pieces, tail=[send("conversation.response.done", usage=usage)])
