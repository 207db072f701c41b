"""How prices of models stand to one another: dated data in data/price_rules.toml, held to the price book by a test."""

from __future__ import annotations

import importlib
import re
import sys
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.detect.cache_rules import bare_model, provider_name

if TYPE_CHECKING:
    from datetime import date

# Python 3.10 has no TOML reader of its own; tomli is the same code.
_toml: Any = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
_RATIOS: Final = ("input", "output")


@dataclass(frozen=True, slots=True)
class Sibling:
    """A smaller ``model``; its prices as parts of those of the models that ``models`` matches."""

    provider: str
    models: str
    model: str
    since: date
    input: Decimal
    output: Decimal


@dataclass(frozen=True, slots=True)
class Step:
    """``above`` so many input tokens all tokens of a call cost so many times as much."""

    provider: str
    models: str
    since: date
    above: int
    input: Decimal
    output: Decimal


@lru_cache(maxsize=1)
def _data() -> dict[str, list[dict[str, Any]]]:
    told: dict[str, list[dict[str, Any]]] = _toml.loads(
        (resources.files(__package__) / "data" / "price_rules.toml").read_text("utf-8")
    )
    return {kind: [entry | {name: _ratio(entry[name]) for name in _RATIOS} for entry in told[kind]] for kind in told}


def _ratio(text: str) -> Decimal:
    whole, _, parts = text.partition("/")
    return Decimal(whole) / Decimal(parts or 1)


@lru_cache(maxsize=1)
def siblings() -> tuple[Sibling, ...]:
    return tuple(Sibling(**entry) for entry in _data()["sibling"])


@lru_cache(maxsize=1)
def steps() -> tuple[Step, ...]:
    return tuple(Step(**entry) for entry in _data()["step"])


def sibling_of(provider: str, model: str, day: date) -> Sibling | None:
    return next((rule for rule in siblings() if _holds(rule, provider, model, day)), None)


def step_of(provider: str, model: str, day: date) -> Step | None:
    return next((rule for rule in steps() if _holds(rule, provider, model, day)), None)


def _holds(rule: Sibling | Step, provider: str, model: str, day: date) -> bool:
    named = rule.provider == provider_name(provider) and rule.since <= day
    return named and re.fullmatch(rule.models, bare_model(model)) is not None
