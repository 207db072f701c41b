"""Ollama on loopback: chat, generate and both embeds, streamed as lines of JSON. Base URL (``host``): ``{url}/ollama``.

It wants no key, tells no rate limits and counts nothing as cached. Durations are nanoseconds of a made-up machine, the
same for the same reply.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from spanledger_collector.demo.draft import Draft, Wish, compact, compose
from spanledger_collector.demo.exchange import Answer, Exchange, tokens
from spanledger_collector.demo.openai_chat import input_texts
from spanledger_collector.demo.openai_prompt import ANY_JSON, chosen_tool, counted_tokens, prompt_text
from spanledger_collector.demo.prefix_cache import count
from spanledger_collector.demo.prose import Json, vector
from spanledger_collector.demo.provider_api import Fault, ProviderApi

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanledger_collector.demo.faults import Allowance

LINES = "application/x-ndjson"
DIMENSIONS = 768
ERRORS_OF_SERVER = 500
LOAD_NS = 5_000_000
PROMPT_TOKEN_NS = 200_000
TOKEN_NS = 10_000_000
MESSAGES = {
    400: "invalid request",
    404: "model not found, try pulling it first",
    429: "too many requests",
    500: "llama runner process has terminated",
    503: "server busy, please try again. maximum pending requests exceeded",
}


def chat(exchange: Exchange) -> Answer:
    """A chat reply. Raises Refused."""
    body, turns = exchange.body, exchange.body.get("messages") or []
    functions = [tool.get("function", {}) for tool in body.get("tools") or []]
    answered = bool(turns) and turns[-1].get("role") == "tool"
    tool = chosen_tool(exchange, functions, answered=answered)
    prompt = prompt_text(_schema(body), body.get("tools"), turns)
    draft = _draft(exchange, prompt, tool)

    def part(text: str) -> Json:
        return {"message": {"role": "assistant", "content": text}}

    if not draft.tool:
        return _answer(exchange, prompt, draft, part)
    call = {"function": {"name": draft.tool, "arguments": draft.arguments}}
    whole = {"message": {"role": "assistant", "content": "", "tool_calls": [call]}}
    return _answer(exchange, prompt, draft, part, whole)


def generate(exchange: Exchange) -> Answer:
    """A prompt continued. Raises Refused."""
    body = exchange.body
    prompt = f"{body.get('system') or ''}{body.get('prompt') or ''}{body.get('suffix') or ''}"
    return _answer(exchange, prompt, _draft(exchange, prompt), lambda text: {"response": text})


def _schema(body: Json) -> Json | None:
    wanted = body.get("format")
    return wanted if isinstance(wanted, dict) else ANY_JSON if wanted == "json" else None


def _draft(exchange: Exchange, prompt: str, tool: tuple[str, Json] | None = None) -> Draft:
    most = (exchange.body.get("options") or {}).get("num_predict")
    limit = most if isinstance(most, int) and most >= 0 else None  # -1 and -2: no limit
    return compose(Wish(prompt, _schema(exchange.body), tool, limit), exchange.plan)


def _usage(prompt: str, draft: Draft) -> Json:
    read, told = counted_tokens(prompt), draft.output_tokens
    durations = {
        "load_duration": LOAD_NS,
        "prompt_eval_duration": read * PROMPT_TOKEN_NS,
        "eval_duration": told * TOKEN_NS,
    }
    counts = {"prompt_eval_count": read, "eval_count": told}
    return {"total_duration": sum(durations.values()), **durations, **counts}


def _answer(
    exchange: Exchange, prompt: str, draft: Draft, part: Callable[[str], Json], whole: Json | None = None
) -> Answer:
    """``part`` dresses one piece of text; ``whole``, where given, is what cannot be told in pieces."""
    usage = exchange.usage(_usage(prompt, draft))
    sizes = tokens(usage, "prompt_eval_count"), tokens(usage, "eval_count")
    frame = {"model": exchange.model, "created_at": datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")}
    end = {"done": True, "done_reason": "length" if draft.truncated else "stop", **usage}
    if exchange.body.get("stream") is False:
        return Answer(*sizes, {**frame, **(whole or part(draft.text)), **end})
    told = [whole] if whole else [part(piece) for piece in draft.pieces]
    pieces = [compact({**frame, **each, "done": False}) + "\n" for each in told]
    return Answer(*sizes, pieces=pieces, tail=[compact({**frame, **part(""), **end}) + "\n"], media=LINES)


def embed(exchange: Exchange) -> Answer:
    """Vectors and what they took. Raises Refused."""
    texts = input_texts(exchange.require("input"))
    size = int(exchange.body.get("dimensions") or DIMENSIONS)
    read = sum(max(1, count(text)) for text in texts)
    times = {"total_duration": LOAD_NS + read * PROMPT_TOKEN_NS, "load_duration": LOAD_NS}
    usage = exchange.usage({**times, "prompt_eval_count": read})
    body = {"model": exchange.model, "embeddings": [vector(text, size) for text in texts], **usage}
    return Answer(tokens(usage, "prompt_eval_count"), 0, body)


def embeddings(exchange: Exchange) -> Answer:
    """One vector of the older endpoint, which tells no usage. Raises Refused."""
    prompt = str(exchange.body.get("prompt") or "")
    return Answer(count(prompt), 0, {"embedding": vector(prompt, DIMENSIONS)})


def _fault(fault: Fault) -> Json:
    usual = MESSAGES[ERRORS_OF_SERVER if fault.status >= ERRORS_OF_SERVER else 400]
    return {"error": fault.message or MESSAGES.get(fault.status, usual)}


def _broken_stream(_: str) -> str:
    return compact(_fault(Fault(ERRORS_OF_SERVER))) + "\n"


def _headers(_: Allowance, __: str) -> dict[str, str]:
    return {}


API = ProviderApi(
    name="ollama",
    mount="/ollama",
    endpoints={"/api/chat": chat, "/api/generate": generate, "/api/embed": embed, "/api/embeddings": embeddings},
    fault=_fault,
    broken_stream=_broken_stream,
    headers=_headers,
    retry_after=False,
    keyless=True,
)
