"""OpenAI's older completions, and moderations, which cost nothing."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

from spanledger_collector.demo.draft import Draft, Wish, compose
from spanledger_collector.demo.exchange import Answer, Exchange, event, tokens
from spanledger_collector.demo.openai_chat import DONE, finish, input_texts
from spanledger_collector.demo.openai_prompt import content_text, counted_tokens

if TYPE_CHECKING:
    from spanledger_collector.demo.prose import Json

USUAL_TOKENS = 16
CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)


def completions(exchange: Exchange) -> Answer:
    """A text continued, plain or streamed. Raises Refused."""
    body = exchange.body
    prompts = input_texts(exchange.require("prompt"))
    most = int(body.get("max_tokens") or USUAL_TOKENS)
    drafts = [compose(Wish(prompt, most_tokens=most), exchange.plan) for prompt in prompts]
    drafts = [draft for draft in drafts for _ in range(int(body.get("n") or 1))]
    size, made = sum(map(counted_tokens, prompts)), sum(draft.output_tokens for draft in drafts)
    usage = exchange.usage({"prompt_tokens": size, "completion_tokens": made, "total_tokens": size + made})
    frame = {"id": f"cmpl-{uuid.uuid4().hex}", "object": "text_completion", "created": int(time.time())}
    frame |= {"model": exchange.model}
    sizes = tokens(usage, "prompt_tokens"), tokens(usage, "completion_tokens")
    if exchange.streamed:
        asked = bool((body.get("stream_options") or {}).get("include_usage"))
        return _stream(drafts, frame, usage if asked else None, sizes)
    choices = [_choice(index, draft.text, finish(draft)) for index, draft in enumerate(drafts)]
    return Answer(*sizes, {**frame, "choices": choices, "usage": usage})


def _choice(index: int, text: str, end: str | None = None) -> Json:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": end}


def _stream(drafts: list[Draft], frame: Json, usage: Json | None, sizes: tuple[int, int]) -> Answer:
    blank: Json = {} if usage is None else {"usage": None}

    def chunk(*choice: Any) -> str:
        return event({**frame, "choices": [_choice(*choice)], **blank})

    pieces = [chunk(index, piece) for index, draft in enumerate(drafts) for piece in draft.pieces]
    tail = [chunk(index, "", finish(draft)) for index, draft in enumerate(drafts)]
    if usage is not None:
        tail.append(event({**frame, "choices": [], "usage": usage}))
    return Answer(*sizes, pieces=pieces, tail=[*tail, DONE])


def moderations(exchange: Exchange) -> Answer:
    """Nothing is ever flagged. Raises Refused."""
    given = exchange.require("input")
    parts = isinstance(given, list) and given and isinstance(given[0], dict)
    number = 1 if isinstance(given, str) or (parts and content_text(given)) else len(given)
    result = {
        "flagged": False,
        "categories": dict.fromkeys(CATEGORIES, False),
        "category_scores": dict.fromkeys(CATEGORIES, 1e-6),
        "category_applied_input_types": {name: ["text"] for name in CATEGORIES},
    }
    model = str(exchange.body.get("model") or "omni-moderation-latest")
    return Answer(0, 0, {"id": f"modr-{uuid.uuid4().hex}", "model": model, "results": [result] * number})
