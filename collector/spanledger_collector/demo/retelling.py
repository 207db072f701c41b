"""Chat replies in OpenAI's shape, told again with the habits of those who copied it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from spanledger_collector.demo.exchange import Answer, Exchange, event
from spanledger_collector.demo.openai_chat import DONE, chat

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from spanledger_collector.demo.prose import Json

PREFIX = "data: "


def asks_for_usage(exchange: Exchange) -> bool:
    return bool((exchange.body.get("stream_options") or {}).get("include_usage"))


def chat_with_usage(exchange: Exchange) -> Answer:
    """The reply, its stream ending with a chunk of usage whether asked for or not. Raises Refused."""
    return chat(replace(exchange, body={**exchange.body, "stream_options": {"include_usage": True}}))


def read_chunks(texts: Sequence[str | bytes]) -> list[Json]:
    """The chunks of a stream, without its end mark."""
    told = "".join(text if isinstance(text, str) else text.decode() for text in texts).split("\n\n")
    return [json.loads(each.removeprefix(PREFIX)) for each in told if each.startswith(PREFIX + "{")]


def retold(answer: Answer, change: Callable[[Json], Json], *, done: bool = True) -> Answer:
    """Every chunk, or the plain body, through ``change``; ``done`` keeps the end mark."""

    def again(texts: Sequence[str | bytes]) -> list[str]:
        return ["".join(event(change(chunk)) for chunk in read_chunks([text])) for text in texts]

    if isinstance(answer.body, dict):
        return replace(answer, body=change(answer.body))
    head, pieces, tail = again(answer.head), again(answer.pieces), again(answer.tail)
    tail = [text for text in tail if text]  # without the end mark
    return replace(answer, head=head, pieces=pieces, tail=[*tail, DONE] if done else tail)
