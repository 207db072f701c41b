"""The simulated calls: what a provider is made to answer, the same whoever records it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

Json = dict[str, Any]
WEATHER: Final[Json] = {"name": "weather", "arguments": {"city": "Lisbon"}}
REFUSED: Final = 429


@dataclass(frozen=True, slots=True)
class Counts:
    """Tokens of one call; ``input`` includes the cached parts, ``output`` the reasoning."""

    input: int = 100
    output: int = 20
    read: int = 0
    write_5m: int = 0
    write_1h: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One call. The provider refuses it where ``status`` is no success."""

    counts: Counts = Counts()
    tool: bool = False
    status: int = 200


SCENARIOS: Final[dict[str, Scenario]] = {
    "plain": Scenario(),
    "cached": Scenario(Counts(input=1000, output=50, read=600, write_5m=250, write_1h=100)),
    "streamed": Scenario(Counts(input=1000, output=50, read=600, write_5m=350)),
    "reasoning": Scenario(Counts(output=150, reasoning=120)),
    "tool": Scenario(tool=True),
    "refused": Scenario(status=REFUSED),
    "embeddings": Scenario(Counts(input=12, output=0)),
}


def reply(api: str, name: str) -> Json:
    """The simulator's script for one call of an API."""
    scenario = SCENARIOS[name]
    if scenario.status != 200:  # noqa: PLR2004 - HTTP's word for well
        return {"status": scenario.status}
    scripted: Json = {"usage": _USAGE[api](scenario.counts)}
    return {**scripted, "tool": WEATHER} if scenario.tool else {**scripted, "text": "It is sunny in Lisbon."}


def _openai(counts: Counts) -> Json:
    return {
        "prompt_tokens": counts.input,
        "completion_tokens": counts.output,
        "total_tokens": counts.input + counts.output,
        "prompt_tokens_details": {"cached_tokens": counts.read, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": counts.reasoning, "audio_tokens": 0},
    }


def _responses(counts: Counts) -> Json:
    return {
        "input_tokens": counts.input,
        "input_tokens_details": {"cached_tokens": counts.read},
        "output_tokens": counts.output,
        "output_tokens_details": {"reasoning_tokens": counts.reasoning},
        "total_tokens": counts.input + counts.output,
    }


def _embeddings(counts: Counts) -> Json:
    return {"prompt_tokens": counts.input, "total_tokens": counts.input}


def _anthropic(counts: Counts) -> Json:
    written = counts.write_5m + counts.write_1h
    return {
        "input_tokens": counts.input - counts.read - written,
        "cache_read_input_tokens": counts.read,
        "cache_creation_input_tokens": written,
        "cache_creation": {
            "ephemeral_5m_input_tokens": counts.write_5m,
            "ephemeral_1h_input_tokens": counts.write_1h,
        },
        "output_tokens": counts.output,
        "output_tokens_details": {"thinking_tokens": counts.reasoning},
        "service_tier": "standard",
    }


def _mistral(counts: Counts) -> Json:
    total = counts.input + counts.output
    return {"prompt_tokens": counts.input, "completion_tokens": counts.output, "total_tokens": total}


def _gemini(counts: Counts) -> Json:
    return {
        "promptTokenCount": counts.input,
        "cachedContentTokenCount": counts.read,
        "candidatesTokenCount": counts.output - counts.reasoning,
        "thoughtsTokenCount": counts.reasoning,
        "totalTokenCount": counts.input + counts.output,
    }


_USAGE: Final = {
    "openai": _openai,
    "openai-responses": _responses,
    "openai-embeddings": _embeddings,
    "anthropic": _anthropic,
    "mistral": _mistral,
    "mistral-embeddings": _embeddings,
    "gemini": _gemini,
}
