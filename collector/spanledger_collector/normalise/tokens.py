"""Reported token counts, inclusive and sometimes contradictory, become disjoint parts that never go negative."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from spanledger import semconv
from spanledger_collector.model import Usage
from spanledger_collector.normalise.billed import billed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from spanledger_collector.model import Attributes, AttributeValue, UsageGrade

    Lookup = Callable[[str], AttributeValue]

MOST_TOKENS = 10_000_000_000  # in one call: beyond any context window by orders of magnitude
MOST_DIGITS = 11

_GRADES = frozenset({"measured", "partial", "modelled"})
_INPUT_ONLY = frozenset({"embeddings", "rerank"})  # operations whose usage has no output side


def count(value: AttributeValue, name: str, faults: list[str]) -> int | None:
    """A token count, or None where there is none; what cannot be one is named in ``faults``."""
    if type(value) is int and 0 <= value <= MOST_TOKENS:
        return value
    if value is None:
        return None
    whole = _whole(value)
    if whole is None:
        faults.append(f"{name} is not a token count")
    return whole


def _whole(value: AttributeValue) -> int | None:
    if isinstance(value, float) and 0 <= value <= MOST_TOKENS and value.is_integer():
        return int(value)
    if isinstance(value, str) and len(value) <= MOST_DIGITS and value.isascii() and value.isdigit():
        return min(int(value), MOST_TOKENS)
    return None


def with_cached(attributes: Attributes, aliases: Mapping[str, tuple[str, ...]]) -> Attributes:
    """Inclusive input tokens, from attributes whose input tokens leave out cached ones."""
    total = 0
    for name in (semconv.USAGE_INPUT_TOKENS, semconv.USAGE_CACHE_READ, semconv.USAGE_CACHE_WRITE):
        faults: list[str] = []
        value = next(
            (attributes[key] for key in (name, *aliases.get(name, ())) if attributes.get(key) is not None), None
        )
        total += count(value, name, faults) or 0
        if faults or (value is None and name == semconv.USAGE_INPUT_TOKENS):
            return {}
    return {semconv.USAGE_INPUT_TOKENS: total}


def usage_of(attributes: Attributes, operation: str) -> tuple[Usage | None, str]:
    """Disjoint usage and a note on what contradicts in it. The parts always sum to the reported inclusive totals."""
    lookup = attributes.get
    faults: list[str] = []
    total_input = count(lookup(semconv.USAGE_INPUT_TOKENS), semconv.USAGE_INPUT_TOKENS, faults)
    total_output = count(lookup(semconv.USAGE_OUTPUT_TOKENS), semconv.USAGE_OUTPUT_TOKENS, faults)
    cache_read = count(lookup(semconv.USAGE_CACHE_READ), semconv.USAGE_CACHE_READ, faults)
    write_5m, write_1h = _cache_writes(lookup, faults)
    if total_input is None and total_output is None and not (cache_read or write_5m or write_1h):
        return billed(attributes, None, faults), "; ".join(faults)
    audio_input = count(lookup(semconv.USAGE_INPUT_AUDIO), semconv.USAGE_INPUT_AUDIO, faults) or 0
    known_input = cache_read or 0
    known_input += write_5m + write_1h
    inputs = _input_parts(
        max(known_input, audio_input) if total_input is None else total_input,
        (cache_read or 0, write_5m, write_1h),
        audio_input,
        faults,
    )
    outputs = _output_parts(total_output or 0, lookup, faults)
    complete = total_input is not None and (total_output is not None or operation in _INPUT_ONLY)
    usage = Usage(*inputs, *outputs, grade=_grade(lookup(semconv.USAGE_GRADE), faults, complete=complete))
    return billed(attributes, usage, faults), "; ".join(faults)


def _cache_writes(lookup: Lookup, faults: list[str]) -> tuple[int, int]:
    total = count(lookup(semconv.USAGE_CACHE_WRITE), semconv.USAGE_CACHE_WRITE, faults)
    short = count(lookup(semconv.USAGE_CACHE_WRITE_5M), semconv.USAGE_CACHE_WRITE_5M, faults) or 0
    long = count(lookup(semconv.USAGE_CACHE_WRITE_1H), semconv.USAGE_CACHE_WRITE_1H, faults) or 0
    if total is None:
        return short, long
    if short + long > total:
        faults.append("cache writes by lifetime exceed all cache writes")
    long = min(long, total)
    return total - long, long  # what no lifetime is given for is a five-minute write, the providers' default


def _input_parts(
    total: int, cached: tuple[int, int, int], audio: int, faults: list[str]
) -> tuple[int, int, int, int, int]:
    """(uncached, cache read, write 5 m, write 1 h, audio); audio that was cached is counted as cached."""
    read, short, long = cached
    if read + short + long > total:
        faults.append("cached input tokens exceed all input tokens")
        read = min(read, total)
        short = min(short, total - read)
        long = min(long, total - read - short)
    if audio > total:
        faults.append("audio input tokens exceed all input tokens")
    rest = total - read - short - long
    audio = min(audio, rest)
    return rest - audio, read, short, long, audio


def _output_parts(total: int, lookup: Lookup, faults: list[str]) -> tuple[int, int, int]:
    """(output without audio, audio, reasoning within the first)"""
    audio = count(lookup(semconv.USAGE_OUTPUT_AUDIO), semconv.USAGE_OUTPUT_AUDIO, faults) or 0
    reasoning = count(lookup(semconv.USAGE_REASONING), semconv.USAGE_REASONING, faults) or 0
    if audio > total:
        faults.append("audio output tokens exceed all output tokens")
        audio = total
    if reasoning > total - audio:
        faults.append("reasoning tokens exceed all output tokens")
        reasoning = total - audio
    return total - audio, audio, reasoning


def _grade(reported: AttributeValue, faults: list[str], *, complete: bool) -> UsageGrade:
    if isinstance(reported, str) and reported in _GRADES:
        return cast("UsageGrade", reported)
    if reported == "absent":
        faults.append("the span says that it has no usage, and carries some")
    return "measured" if complete else "partial"
