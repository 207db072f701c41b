"""Prompt-cache rules of the providers as dated data: which models, from when, with which numbers, by which source."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

TEN_MINUTES_S = 600.0
HALF_HOUR_S = 1_800.0
DAY_S = 86_400.0

OPENAI_GUIDE = "https://developers.openai.com/api/docs/guides/prompt-caching"
BEDROCK_GUIDE = "https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html"
GEMINI_GUIDE = "https://ai.google.dev/gemini-api/docs/caching"
ANTHROPIC_GUIDE = "https://platform.claude.com/docs/en/build-with-claude/prompt-caching"


@dataclass(frozen=True, slots=True)
class AutomaticRule:
    """Caching without marks: the longest known prefix of whole steps is read. Times in seconds, sizes in tokens."""

    models: str  # regular expression matched at the start of the model's name
    since: date
    source: str
    minimum: int = 1024
    step: int = 128
    idle_s: float = TEN_MINUTES_S  # forgotten after so long unused; five to ten minutes at the provider
    long_idle_s: float = DAY_S  # when the request asks for extended retention
    writes_charged: bool = False


@dataclass(frozen=True, slots=True)
class MarkedRule:
    """Caching at marked breakpoints only. Sizes in tokens, look-back in content blocks."""

    models: str
    since: date
    minimum: int
    source: str
    breakpoints: int = 4
    look_back: int = 20


# Newest first: the first line whose pattern matches on a day is the one in force.
OPENAI: tuple[AutomaticRule, ...] = (
    AutomaticRule(
        r"gpt-5\.([6-9]|\d\d)|gpt-[6-9]",
        date(2026, 7, 1),
        OPENAI_GUIDE,
        idle_s=HALF_HOUR_S,
        long_idle_s=DAY_S / 2,
        writes_charged=True,
    ),
    AutomaticRule(r"(ft:)?(gpt-4o|gpt-4\.1|gpt-5|o1|o3|o4|codex|chatgpt)", date(2024, 10, 1), OPENAI_GUIDE),
)
GEMINI: tuple[AutomaticRule, ...] = (
    AutomaticRule(r"gemini-(2\.5|[3-9][\d.]*)-pro", date(2025, 5, 8), GEMINI_GUIDE, minimum=4096),
    AutomaticRule(r"gemini-(2\.5|[3-9])", date(2025, 5, 8), GEMINI_GUIDE),
)
ANTHROPIC: tuple[MarkedRule, ...] = (
    MarkedRule(r"claude-(opus-4-[5-9]|opus-5|haiku-4-5|haiku-5)", date(2025, 10, 15), 4096, ANTHROPIC_GUIDE),
    MarkedRule(r"claude-sonnet-4-6", date(2026, 2, 17), 2048, ANTHROPIC_GUIDE),
    MarkedRule(r"claude-(3-5-haiku|3-haiku)", date(2024, 8, 14), 2048, ANTHROPIC_GUIDE),
    MarkedRule(r"claude", date(2024, 8, 14), 1024, ANTHROPIC_GUIDE),
)

BEDROCK: tuple[MarkedRule, ...] = (*ANTHROPIC, MarkedRule(r"nova", date(2025, 4, 7), 1024, BEDROCK_GUIDE))


def automatic_rule(model: str, day: date, rules: tuple[AutomaticRule, ...] = OPENAI) -> AutomaticRule | None:
    """The rule in force for a model on a day, OpenAI's by default; None where the provider does not cache."""
    return next((rule for rule in rules if rule.since <= day and re.match(rule.models, model)), None)


def marked_rule(model: str, day: date, rules: tuple[MarkedRule, ...] = ANTHROPIC) -> MarkedRule | None:
    """The rule in force for a model on a day, Anthropic's by default; None where the provider does not cache."""
    return next((rule for rule in rules if rule.since <= day and re.match(rule.models, model)), None)
