"""What OpenAI's endpoints share: the prompt as one text, its cache use, the chosen tool, the wanted schema."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from spanledger_collector.demo.cache_rules import automatic_rule
from spanledger_collector.demo.draft import compact
from spanledger_collector.demo.prefix_cache import CacheUse, count

if TYPE_CHECKING:
    from spanledger_collector.demo.exchange import Exchange
    from spanledger_collector.demo.prose import Json

REASONING_MODELS = ("gpt-5", "gpt-6", "o1", "o3", "o4")
FORCED = ("required", "any")  # OpenAI's word and Mistral's
ANY_JSON: Json = {"type": "object", "properties": {"answer": {"type": "string"}}}


def reasons(model: str) -> bool:
    return model.removeprefix("ft:").startswith(REASONING_MODELS)


def content_text(content: Any) -> str:
    """Text parts as they are; images, sound and files by their digest, so that size is no text."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return "" if content is None else compact(content)
    return "\n".join(_part_text(part) for part in content)


def _part_text(part: Any) -> str:
    if isinstance(part, dict) and isinstance(part.get("text"), str):
        return str(part["text"])
    return blake2b(compact(part).encode(), digest_size=32).hexdigest()


def turn_text(turn: Any) -> str:
    """One message or item of the conversation."""
    if not isinstance(turn, dict):
        return str(turn)
    rest = {key: value for key, value in turn.items() if key not in ("role", "content")}
    lines = [str(turn.get("role", turn.get("type", ""))), content_text(turn.get("content"))]
    return "\n".join([*lines, compact(rest)] if rest else lines) + "\n"


def prompt_text(schema: Json | None, tools: Any, turns: list[Any]) -> str:
    """Schema and tools come first, as the provider's cache sees them."""
    head = [compact(schema)] if schema else []
    head += [compact(tool) for tool in tools or []]
    return "\n".join(head) + "".join(turn_text(turn) for turn in turns)


def cache_use(exchange: Exchange, prompt: str) -> tuple[CacheUse, bool]:
    """Cached tokens, and whether the provider charges for writing them."""
    rule = automatic_rule(exchange.model, exchange.day)
    if rule is None:
        return CacheUse(), False
    options = exchange.body.get("prompt_cache_options") or {}
    extended = exchange.body.get("prompt_cache_retention") == "24h" or options.get("ttl") == "12h"
    use = exchange.cache.automatic(exchange.scope, prompt, rule, extended=extended)
    return use, rule.writes_charged


def input_details(use: CacheUse) -> Json:
    return {"cached_tokens": use.read, "cache_write_tokens": use.write_5m}


def chosen_tool(
    exchange: Exchange, functions: list[Json], *, answered: bool, choice: Any = None
) -> tuple[str, Json] | None:
    """The named tool, or the first one unless the conversation already holds its result."""
    choice = choice or exchange.body.get("tool_choice") or "auto"
    if not functions or choice == "none":
        return None
    if isinstance(choice, dict):
        name = choice.get("name") or choice.get("function", {}).get("name")
        return next((_named(each) for each in functions if each.get("name") == name), None)
    return None if answered and choice not in FORCED else _named(functions[0])


def _named(function: Json) -> tuple[str, Json]:
    return str(function.get("name", "")), function.get("parameters") or {"type": "object", "properties": {}}


def counted_tokens(prompt: str) -> int:
    return max(1, count(prompt))
