"""How each provider counts, by the names of its fields.

OpenAI, Gemini, Mistral, DeepSeek, xAI and Groq count cached input inside the input; Anthropic and Bedrock beside it.
Gemini counts thoughts beside its candidates. xAI and Perplexity count reasoning beside the completion. Cohere bills
units that are not its tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spanledger_collector.model import Usage
from spanledger_collector.pricing.usage_fields import Fields, Side, UsageError, disjoint

if TYPE_CHECKING:
    from collections.abc import Callable

_IMAGE_LIKE: Final = {"IMAGE": "image", "DOCUMENT": "image", "VIDEO": "video", "AUDIO": "audio"}


def openai_chat(usage: Fields, provider: str) -> Usage:
    """Also Groq, Mistral, DeepSeek, xAI, Perplexity and the many that took over the names."""
    details = usage.inner("prompt_tokens_details")
    names = ("prompt_cache_hit_tokens", "num_cached_tokens", "cached_prompt_text_tokens", "cache_read_input_tokens")
    cached = details.count("cached_tokens") or usage.count(*names, "cached_tokens")
    written = details.count("cache_write_tokens", "cache_creation_tokens") or usage.count("cache_creation_input_tokens")
    prompt = usage.count("prompt_tokens")
    cached_kinds = _kinds(details.inner("cached_tokens_details"))
    kinds = _kinds(details)
    room = prompt - cached - written - kinds.get("audio", 0) + sum(cached_kinds.values())
    if kinds.get("image", 0) > room >= 0:
        kinds["image"] = room  # chat models bill images as text: what is cached of them need not be told
    given = Side(prompt, {kind: count for kind, count in kinds.items() if count}, cached, cached_kinds, written)
    return disjoint(given, _completion(usage, provider, prompt), _fees(usage))


def _completion(usage: Fields, provider: str, prompt: int) -> Side:
    details = usage.inner("completion_tokens_details")
    completion, inside = usage.count("completion_tokens"), details.count("reasoning_tokens")
    beside, citation = usage.count("reasoning_tokens"), usage.count("citation_tokens")
    total = usage.count("total_tokens")
    if inside and (total == prompt + completion + inside or (provider == "x-ai" and not total)):
        inside, beside = 0, inside
    unnamed = max(0, total - prompt - completion - beside - citation) if "prompt_audio_seconds" not in usage else 0
    if unnamed and provider == "google":
        beside += unnamed  # Gemini by OpenAI's names: thoughts are in the total only
    elif unnamed:
        raise UsageError(f"usage has {total} tokens in all, {unnamed} more than its parts; those have no known price")
    kinds = {kind: count for kind, count in _kinds(details).items() if count}
    kinds |= {"citation": citation} if "citation_tokens" in usage else {}
    return Side(completion + beside + citation, kinds, reasoning=inside + beside)


def openai_responses(usage: Fields, _: str) -> Usage:
    """Responses, realtime, transcription and images."""
    given = usage.inner("input_tokens_details", "input_token_details")
    out = usage.inner("output_tokens_details", "output_token_details")
    cached_kinds = _kinds(given.inner("cached_tokens_details"))
    side = Side(
        usage.count("input_tokens"),
        _kinds(given),
        given.count("cached_tokens", "cache_read_input_tokens"),
        {kind: count for kind, count in cached_kinds.items() if count},
        given.count("cache_write_tokens"),
    )
    reasoning = out.count("reasoning_tokens")
    return disjoint(side, Side(usage.count("output_tokens"), _kinds(out), reasoning=reasoning), _fees(usage))


def duration(usage: Fields, _: str) -> Usage:
    """Transcription by the second."""
    return Usage(other=(("audio_seconds", usage.count("seconds", "audio_seconds", "prompt_audio_seconds")),))


def gemini(usage: Fields, _: str) -> Usage:
    given, out = _modalities(usage, "promptTokensDetails"), _modalities(usage, "candidatesTokensDetails")
    for kind, count in _modalities(usage, "toolUsePromptTokensDetails").items():
        given[kind] = given.get(kind, 0) + count
    thoughts = usage.count("thoughtsTokenCount", "thoughts_token_count")
    candidates = usage.count("candidatesTokenCount", "candidates_token_count", "responseTokenCount")
    prompt = usage.count("promptTokenCount", "prompt_token_count")
    prompt += usage.count("toolUsePromptTokenCount", "tool_use_prompt_token_count")
    unnamed = usage.count("totalTokenCount", "total_token_count") - prompt - candidates - thoughts
    if unnamed > 0:
        raise UsageError(f"usage has {unnamed} more tokens in all than in its parts; those have no known price")
    cached = usage.count("cachedContentTokenCount", "cached_content_token_count")
    cached_kinds = {kind: count for kind, count in _modalities(usage, "cacheTokensDetails").items() if count}
    if cached and given.get("audio") and not usage.rows("cacheTokensDetails", "cache_tokens_details"):
        raise UsageError("usage has cached and audio tokens and no cacheTokensDetails to tell what of them was both")
    side = Side(prompt, given, cached, cached_kinds)
    return disjoint(side, Side(candidates + thoughts, out, reasoning=thoughts))


def _modalities(usage: Fields, name: str) -> dict[str, int]:
    """Tokens by kind; with any details at hand a kind that is not among them is 0."""
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    response = {"candidatesTokensDetails": ("responseTokensDetails",)}.get(name, ())
    rows = usage.rows(name, snake, *response)
    found = dict.fromkeys(("image", "video"), 0) if rows else {}
    for row in rows:
        modality = str(row.values.get("modality", "")).rpartition(".")[2].upper()
        if kind := _IMAGE_LIKE.get(modality):
            found[kind] = found.get(kind, 0) + row.count("tokenCount", "token_count")
    return found


def anthropic(usage: Fields, _: str) -> Usage:
    rows = usage.rows("iterations")
    types = {row.text("type") for row in rows}
    if strange := types - {"message", "compaction", ""}:
        raise UsageError(
            f"usage has iterations of type {', '.join(sorted(strange))}, which another model may have made"
        )
    parts = [_message(row) for row in (rows if "compaction" in types else [usage])]
    searches = usage.inner("server_tool_use").count("web_search_requests")
    fresh, read, short, long, output, thinking = (sum(column) for column in zip(*parts, strict=True))
    return Usage(
        uncached_input=fresh,
        cache_read=read,
        cache_write_5m=short,
        cache_write_1h=long,
        output=output,
        reasoning=thinking,
        other=(("web_searches", searches),) if searches else (),
    )


def _message(usage: Fields) -> tuple[int, int, int, int, int, int]:
    """Input, cache read, write 5 m, write 1 h, output, thinking."""
    by_lifetime = usage.inner("cache_creation")
    long = by_lifetime.count("ephemeral_1h_input_tokens")
    written = max(usage.count("cache_creation_input_tokens"), long + by_lifetime.count("ephemeral_5m_input_tokens"))
    output = usage.count("output_tokens")
    thinking = min(usage.inner("output_tokens_details").count("thinking_tokens"), output)
    read = usage.count("cache_read_input_tokens")
    return usage.count("input_tokens"), read, written - long, long, output, thinking


def bedrock(usage: Fields, _: str) -> Usage:
    long = sum(row.count("inputTokens") for row in usage.rows("cacheDetails") if row.values.get("ttl") == "1h")
    written = max(usage.count("cacheWriteInputTokens", "cacheWriteInputTokenCount"), long)
    return Usage(
        uncached_input=usage.count("inputTokens"),
        cache_read=usage.count("cacheReadInputTokens", "cacheReadInputTokenCount"),
        cache_write_5m=written - long,
        cache_write_1h=long,
        output=usage.count("outputTokens"),
    )


def llama(usage: Fields, _: str) -> Usage:
    """Llama and Titan on Bedrock by InvokeModel."""
    results = sum(row.count("tokenCount") for row in usage.rows("results"))
    return Usage(
        uncached_input=usage.count("prompt_token_count", "inputTextTokenCount"),
        output=usage.count("generation_token_count", "totalOutputTextTokenCount") or results,
    )


def cohere(usage: Fields, _: str) -> Usage:
    billed = (usage.inner("meta") if "meta" in usage else usage).inner("billed_units")
    if not billed.values:
        raise UsageError("usage has no 'billed_units'; Cohere bills those, not the tokens of its tokenizer")
    if classified := billed.count("classifications"):
        raise UsageError(f"usage has {classified} classifications; no price for them is known")
    counts = ("search_units", "images")
    image_tokens = billed.count("image_tokens")
    return Usage(
        uncached_input=billed.count("input_tokens"),
        output=billed.count("output_tokens"),
        other=(
            *((name, billed.count(name)) for name in counts if billed.count(name)),
            *((("image_input", image_tokens),) if image_tokens else ()),
        ),
    )


def total_only(usage: Fields, _: str) -> Usage:
    """Voyage and Jina: an embedding has no output."""
    return Usage(uncached_input=usage.count("total_tokens"))


def pages(usage: Fields, _: str) -> Usage:
    """Mistral OCR."""
    return Usage(other=(("pages", usage.count("pages_processed")),))


def characters(usage: Fields, _: str) -> Usage:
    return Usage(other=(("characters", usage.count("characters", "input_characters")),))


def _kinds(details: Fields) -> dict[str, int]:
    return {
        kind: details.count(f"{kind}_tokens") for kind in ("audio", "image", "video") if f"{kind}_tokens" in details
    }


def _fees(usage: Fields) -> dict[str, int]:
    """What is billed by the piece."""
    tools = usage.inner("server_tool_use")
    used = usage.inner("server_side_tool_usage_details")
    web = usage.inner("tool_calls_details").inner("search_web").count("invocation")
    return {
        "web_searches": usage.count("num_search_queries") or tools.count("web_search_requests") or web,
        "sources": usage.count("num_sources_used"),
        "server_tools": usage.count("num_server_side_tools_used") or sum(used.count(name) for name in used.values),
        "audio_seconds": usage.count("prompt_audio_seconds"),
    }


# What tells the conventions apart, the more telling first.
CONVENTIONS: Final[tuple[tuple[tuple[str, ...], Callable[[Fields, str], Usage]], ...]] = (
    (("generation_token_count", "inputTextTokenCount"), llama),
    (("promptTokenCount", "prompt_token_count", "cachedContentTokenCount", "candidatesTokenCount"), gemini),
    (("billed_units", "tokens", "meta"), cohere),
    (("inputTokens", "outputTokens"), bedrock),
    (("prompt_tokens", "completion_tokens"), openai_chat),
    (("cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation", "iterations"), anthropic),
    (
        ("input_tokens_details", "input_token_details", "output_tokens_details", "output_token_details"),
        openai_responses,
    ),
    (("input_tokens", "output_tokens"), anthropic),
    (("seconds", "audio_seconds", "prompt_audio_seconds"), duration),
    (("pages_processed",), pages),
    (("characters", "input_characters"), characters),
    (("total_tokens",), total_only),
)
