"""The providers' prompt-cache rules: dated data in data/cache_rules.toml, never constants in a detector."""

from __future__ import annotations

import importlib
import re
import sys
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from datetime import date

# Python 3.10 has no TOML reader of its own; tomli is the same code.
_toml: Any = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
# A provider's own name in spans, and others that sell its models with the same cache.
_ALIASES: Final = {
    "azure.ai.openai": "openai",
    "az.ai.openai": "openai",
    "aws.bedrock": "anthropic",
    "gcp.vertex_ai": "gemini",
    "gcp.gemini": "gemini",
    "gcp.gen_ai": "gemini",
    "google": "gemini",
}


@dataclass(frozen=True, slots=True)
class CacheRule:
    """Sizes in tokens, life in seconds of disuse, write and read as ratios of the price of uncached input."""

    provider: str
    models: str
    since: date
    automatic: bool  # no marks needed
    minimum: int
    step: int
    life_s: int
    write: Decimal
    read: Decimal
    source: str

    def cacheable(self, tokens: float) -> int:
        """How many of a shared prefix's tokens the cache takes: whole steps, from the minimum on."""
        if tokens < self.minimum:
            return 0
        return self.minimum + int((tokens - self.minimum) // self.step) * self.step


@lru_cache(maxsize=1)
def rules() -> tuple[CacheRule, ...]:
    text = (resources.files(__package__) / "data" / "cache_rules.toml").read_text("utf-8")
    return tuple(_rule(entry) for entry in _toml.loads(text)["rule"])


def _rule(entry: dict[str, Any]) -> CacheRule:
    return CacheRule(**entry | {"write": Decimal(entry["write"]), "read": Decimal(entry["read"])})


def provider_name(provider: str) -> str:
    """Whose models these are, whoever sells them."""
    return _ALIASES.get(provider, provider)


def bare_model(model: str) -> str:
    """Without the names of those who sell it."""
    return model.rpartition("/")[2].rpartition("anthropic.")[2]


@lru_cache(maxsize=4096)
def rule_of(provider: str, model: str, day: date) -> CacheRule | None:
    """The rule in force on a day; None for a provider or model of which no cache is known."""
    name, bare = provider_name(provider), bare_model(model)
    matching = (rule for rule in rules() if rule.provider == name and rule.since <= day)
    return next((rule for rule in matching if re.match(rule.models, bare)), None)
