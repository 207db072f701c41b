"""A provider's own usage object, as emitters pass it on in JSON, in the inclusive names of OTel.

OpenAI's counts include their details; Anthropic's ``input_tokens`` leave out what was read from the cache or written to
it; Langfuse's own names are parts beside one another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanledger_collector.normalise import fields, tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spanledger_collector.model import Attributes, AttributeValue

_SIDES = {
    "prompt_tokens_details": "input",
    "input_tokens_details": "input",
    "completion_tokens_details": "output",
    "output_tokens_details": "output",
}


def canonical(usage: Attributes) -> Attributes:
    """The counts by the names of ``semconv``; empty for what is no usage."""
    if "input" in usage or "output" in usage:
        return _parts(usage)
    details: Attributes = {}
    for name, side in _SIDES.items():
        details |= {f"{side}.{key}": value for key, value in fields.inner(usage, name).items()}
    read, written = usage.get("cache_read_input_tokens"), usage.get("cache_creation_input_tokens")
    inputs = usage.get("prompt_tokens", usage.get("input_tokens"))
    exclusive = "prompt_tokens" not in usage and (read is not None or written is not None)
    lifetimes = fields.inner(usage, "cache_creation")
    return fields.present(
        USAGE_INPUT_TOKENS=total((inputs, read, written)) if exclusive else inputs,
        USAGE_OUTPUT_TOKENS=usage.get("completion_tokens", usage.get("output_tokens")),
        USAGE_CACHE_READ=_first(read, details, "input.cached_tokens"),
        USAGE_CACHE_WRITE=_first(written, details, "input.cache_write_tokens"),
        USAGE_CACHE_WRITE_5M=lifetimes.get("ephemeral_5m_input_tokens"),
        USAGE_CACHE_WRITE_1H=lifetimes.get("ephemeral_1h_input_tokens"),
        USAGE_INPUT_AUDIO=details.get("input.audio_tokens"),
        USAGE_OUTPUT_AUDIO=details.get("output.audio_tokens"),
        USAGE_REASONING=_first(None, details, "output.reasoning_tokens", "output.thinking_tokens"),
        SERVICE_TIER=usage.get("service_tier"),
    )


def _parts(usage: Attributes) -> Attributes:
    return fields.present(
        USAGE_INPUT_TOKENS=_beginning(usage, ("input", "cache_read_input_tokens", "cache_creation_input_tokens")),
        USAGE_OUTPUT_TOKENS=_beginning(usage, ("output",)),
        USAGE_CACHE_READ=_first(None, usage, "input_cache_read", "cache_read_input_tokens", "input_cached_tokens"),
        USAGE_CACHE_WRITE=_first(None, usage, "input_cache_creation", "cache_creation_input_tokens"),
        USAGE_INPUT_AUDIO=_first(None, usage, "input_audio", "input_audio_tokens"),
        USAGE_OUTPUT_AUDIO=_first(None, usage, "output_audio", "output_audio_tokens"),
        USAGE_REASONING=_first(None, usage, "output_reasoning", "output_reasoning_tokens"),
    )


def _beginning(usage: Attributes, prefixes: tuple[str, ...]) -> AttributeValue:
    found = [value for name, value in usage.items() if name.startswith(prefixes)]
    return total(found) if found else None


def total(values: Iterable[AttributeValue]) -> AttributeValue:
    """Of what is a count; the first that is none stands for the whole, so that it is named."""
    counted = 0
    for value in values:
        faults: list[str] = []
        counted += tokens.count(value, "", faults) or 0
        if faults:
            return value
    return counted


def _first(value: AttributeValue, among: Attributes, *names: str) -> AttributeValue:
    found = (among[name] for name in names if among.get(name) is not None)
    return value if value is not None else next(found, None)
