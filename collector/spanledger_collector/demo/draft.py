"""What a simulated model answers, before a provider's API dresses it: text or a tool call, cut into pieces."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from spanledger_collector.demo.prefix_cache import TOKEN_CHARS, count
from spanledger_collector.demo.prose import Json, randomness, sample_json, sentence

if TYPE_CHECKING:
    from random import Random

    from spanledger_collector.demo.script import Scripted

PIECE_CHARS = 16
REASONING_STEP = 64


class Refused(Exception):
    """The provider answers with an error; ``status`` is the HTTP status."""

    def __init__(self, status: int, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.param = param


@dataclass(frozen=True, slots=True)
class Wish:
    """What the request asks of the answer. ``tool`` is (name, schema of its arguments)."""

    prompt: str
    schema: Json | None = None
    tool: tuple[str, Json] | None = None
    most_tokens: int | None = None
    reasons: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer. With a ``tool`` name, ``text`` is the JSON of its arguments."""

    text: str
    pieces: list[str]
    tool: str = ""
    truncated: bool = False
    reasoning_tokens: int = 0

    @property
    def arguments(self) -> Json:
        """Of the tool, as an object: what max_tokens cut off is no JSON, and the provider then sends none."""
        try:
            given = json.loads(self.text)
        except ValueError:
            return {}
        return given if isinstance(given, dict) else {}

    @property
    def output_tokens(self) -> int:
        """Reasoning included, as providers count."""
        return count(self.text) + self.reasoning_tokens


def compose(wish: Wish, plan: Scripted) -> Draft:
    """The same request always gets the same answer."""
    random = randomness(wish.prompt)
    reasoning = REASONING_STEP * random.randrange(5) if wish.reasons else 0
    tool = _tool(wish, plan)
    text = _text(wish, plan, random)
    if wish.most_tokens is None or count(text) + reasoning <= wish.most_tokens:
        return Draft(text, _pieces(text, plan), tool, reasoning_tokens=reasoning)
    reasoning = min(reasoning, wish.most_tokens)
    text = text[: (wish.most_tokens - reasoning) * TOKEN_CHARS]
    return Draft(text, _pieces(text, plan), tool, truncated=True, reasoning_tokens=reasoning)


def _tool(wish: Wish, plan: Scripted) -> str:
    if plan.tool is not None:
        return str(plan.tool["name"])
    return "" if wish.tool is None or plan.text is not None else wish.tool[0]


def _text(wish: Wish, plan: Scripted, random: Random) -> str:
    if plan.text is not None:
        return plan.text
    if plan.tool is not None:
        return compact(plan.tool.get("arguments") or {})
    if wish.tool is not None:
        return sample_json(wish.tool[1], random)
    if wish.schema is not None:
        return sample_json(wish.schema, random)
    return sentence(random, max(random.randint(80, 320), PIECE_CHARS * (plan.chunks or 0)))


def _pieces(text: str, plan: Scripted) -> list[str]:
    """The text cut for a stream; exactly ``plan.chunks`` pieces where the script says how many."""
    if plan.chunks is None:
        return [text[at : at + PIECE_CHARS] for at in range(0, len(text), PIECE_CHARS)]
    if plan.chunks == 0:
        return []
    cuts = [round(len(text) * part / plan.chunks) for part in range(plan.chunks + 1)]
    return [text[start:end] for start, end in pairwise(cuts)]


def compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
