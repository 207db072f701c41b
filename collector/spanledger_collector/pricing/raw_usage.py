"""Usage objects as the providers' APIs return them, each by its own convention, into disjoint parts.

What differs: OpenAI, Gemini, Mistral, DeepSeek, xAI and Groq count cached input inside the input; Anthropic and
Bedrock beside it. Gemini counts thoughts beside its candidates. xAI counts reasoning beside its completion. Cohere
bills units that are not its tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spanledger_collector.model import Usage

if TYPE_CHECKING:
    from collections.abc import Callable


class UsageError(ValueError):
    """A usage object that cannot be read: names the field, the value and the remedy."""


@dataclass(frozen=True, slots=True)
class Fields:
    """A usage object, read by name; missing counts are zero."""

    values: Mapping[str, Any]

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def inner(self, name: str) -> Fields:
        value = self.values.get(name)
        return Fields(value if isinstance(value, Mapping) else {})

    def count(self, *names: str) -> int:
        """The first of the names that is there."""
        name = next((one for one in names if one in self), None)
        return 0 if name is None else _whole(name, self.values[name])


def _whole(name: str, value: object) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise UsageError(f"usage field '{name}' is {value!r}; give a whole number of tokens, 0 or more")
    return value


def read(usage: Mapping[str, Any]) -> Usage:
    """Disjoint usage from a provider's raw usage object, whose field names tell the convention; else UsageError."""
    fields = Fields(usage)
    for known, reader in _CONVENTIONS:
        if known(fields):
            return reader(fields)
    names = ", ".join(sorted(usage)) or "nothing"
    raise UsageError(f"usage has {names}: no provider's usage object; give it as the provider's API returned it")


def _openai_chat(usage: Fields) -> Usage:
    """Also Groq, Mistral, DeepSeek and xAI, which took over the names."""
    details = usage.inner("prompt_tokens_details")
    cached = details.count("cached_tokens") or usage.count("prompt_cache_hit_tokens", "num_cached_tokens")
    out = usage.inner("completion_tokens_details")
    completion, reasoning = usage.count("completion_tokens"), out.count("reasoning_tokens")
    prompt = usage.count("prompt_tokens")
    if reasoning and usage.count("total_tokens") == prompt + completion + reasoning:
        completion += reasoning  # xAI: reasoning stands beside the completion
    return _inclusive(
        prompt,
        cached,
        details.count("cache_write_tokens"),
        details.count("audio_tokens"),
        (completion, out.count("audio_tokens"), reasoning),
    )


def _openai_responses(usage: Fields) -> Usage:
    details, out = usage.inner("input_tokens_details"), usage.inner("output_tokens_details")
    return _inclusive(
        usage.count("input_tokens"),
        details.count("cached_tokens"),
        details.count("cache_write_tokens"),
        details.count("audio_tokens"),
        (usage.count("output_tokens"), out.count("audio_tokens"), out.count("reasoning_tokens")),
    )


def _gemini(usage: Fields) -> Usage:
    prompt = usage.count("promptTokenCount", "prompt_token_count")
    prompt += usage.count("toolUsePromptTokenCount", "tool_use_prompt_token_count")
    thoughts = usage.count("thoughtsTokenCount", "thoughts_token_count")
    output = usage.count("candidatesTokenCount", "candidates_token_count") + thoughts
    cached = usage.count("cachedContentTokenCount", "cached_content_token_count")
    cached_audio = _audio(usage, "cacheTokensDetails", "cache_tokens_details")
    audio = _audio(usage, "promptTokensDetails", "prompt_tokens_details") - cached_audio
    audio_output = _audio(usage, "candidatesTokensDetails", "candidates_tokens_details")
    return _inclusive(prompt, cached, 0, max(0, audio), (output, audio_output, thoughts))


def _audio(usage: Fields, *names: str) -> int:
    details: Sequence[Any] = next((usage.values[name] for name in names if name in usage), [])
    rows = [Fields(row) for row in details if isinstance(row, Mapping) and row.get("modality") == "AUDIO"]
    return sum(row.count("tokenCount", "token_count") for row in rows)


def _anthropic(usage: Fields) -> Usage:
    by_lifetime = usage.inner("cache_creation")
    long = by_lifetime.count("ephemeral_1h_input_tokens")
    written = max(usage.count("cache_creation_input_tokens"), long + by_lifetime.count("ephemeral_5m_input_tokens"))
    return Usage(
        uncached_input=usage.count("input_tokens"),
        cache_read=usage.count("cache_read_input_tokens"),
        cache_write_5m=written - long,
        cache_write_1h=long,
        output=usage.count("output_tokens"),
        reasoning=min(usage.inner("output_tokens_details").count("thinking_tokens"), usage.count("output_tokens")),
    )


def _bedrock(usage: Fields) -> Usage:
    rows = [Fields(row) for row in usage.values.get("cacheDetails") or [] if isinstance(row, Mapping)]
    long = sum(row.count("inputTokens") for row in rows if row.values.get("ttl") == "1h")
    written = max(usage.count("cacheWriteInputTokens", "cacheWriteInputTokenCount"), long)
    return Usage(
        uncached_input=usage.count("inputTokens"),
        cache_read=usage.count("cacheReadInputTokens", "cacheReadInputTokenCount"),
        cache_write_5m=written - long,
        cache_write_1h=long,
        output=usage.count("outputTokens"),
    )


def _cohere(usage: Fields) -> Usage:
    billed = usage.inner("billed_units") if "billed_units" in usage else usage.inner("tokens")
    cached = usage.count("cached_tokens")
    return _inclusive(billed.count("input_tokens"), cached, 0, 0, (billed.count("output_tokens"), 0, 0))


def _inclusive(prompt: int, cached: int, written: int, audio: int, output: tuple[int, int, int]) -> Usage:
    """Parts of counts that contain one another; refuses those that cannot."""
    completion, audio_output, reasoning = output
    if cached + written > prompt:
        raise UsageError(
            f"usage has {cached + written} cached of {prompt} input tokens; cached tokens are part of them"
        )
    if audio_output > completion:
        raise UsageError(f"usage has {audio_output} audio of {completion} output tokens; audio is part of them")
    audio = min(audio, prompt - cached - written)
    return Usage(
        uncached_input=prompt - cached - written - audio,
        cache_read=cached,
        cache_write_5m=written,
        audio_input=audio,
        output=completion - audio_output,
        audio_output=audio_output,
        reasoning=min(reasoning, completion - audio_output),
    )


# What tells the conventions apart, the more telling first.
_CONVENTIONS: tuple[tuple[Callable[[Fields], bool], Callable[[Fields], Usage]], ...] = (
    (lambda usage: "promptTokenCount" in usage or "prompt_token_count" in usage, _gemini),
    (lambda usage: "billed_units" in usage or "tokens" in usage, _cohere),
    (lambda usage: "inputTokens" in usage or "outputTokens" in usage, _bedrock),
    (lambda usage: "prompt_tokens" in usage, _openai_chat),
    (lambda usage: "cache_read_input_tokens" in usage or "cache_creation_input_tokens" in usage, _anthropic),
    (lambda usage: "input_tokens_details" in usage, _openai_responses),
    (lambda usage: "input_tokens" in usage, _anthropic),
)
