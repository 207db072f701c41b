"""D4: a long prefix that every call repeats, at a provider that caches only what is marked, and nothing is marked."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.claims import total
from spanledger_collector.detect.finding import Ask, Claim, Detector, Finding, Fix, Window
from spanledger_collector.detect.prompts import Group, Held, Prompt, groups

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_SHARE: Final = 0.3  # of a place's calls that would be read

_SNIPPET = """\
system=[{"type": "text", "text": INSTRUCTIONS, "cache_control": {"type": "ephemeral"}}]"""


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for group in groups(ask("prompt_prefixes")):
        if group.rule.automatic or any(map(_cached, group.prompts)):
            continue
        reads = list(_reads(group))
        if len(reads) >= MIN_SHARE * len(group.prompts) and (found := _finding(group, reads, window)):
            yield found


def _cached(prompt: Prompt) -> bool:
    """Or meant to be: what is marked in vain is another matter."""
    return bool(prompt.written or prompt.row["read_tokens"] or prompt.row["breakpoints"])


def _reads(group: Group) -> Iterator[tuple[Prompt, int]]:
    """The calls whose prefix a call within the cache's life had, with the tokens of it."""
    held = Held(group.rule.life_s)
    for prompt in group.prompts:
        chars = held.length(prompt.blocks, prompt.at_ns) * prompt.block_chars
        held.add(prompt.blocks, prompt.at_ns)
        if tokens := group.rule.cacheable(prompt.tokens(chars)):
            yield prompt, tokens


def _finding(group: Group, reads: list[tuple[Prompt, int]], window: Window) -> Finding | None:
    """Reads save, each write that starts a stretch of them costs more than a plain call."""
    claims = tuple(
        Claim(prompt.row["span_id"], "input", prompt.price * tokens * (1 - group.rule.read))
        for prompt, tokens in reads
        if prompt.price is not None
    )
    tokens = sorted(tokens for _, tokens in reads)[len(reads) // 2]
    writes = [prompt for prompt in group.prompts if all(prompt is not read for read, _ in reads)]
    premium = sum(((prompt.price or 0) * tokens * (group.rule.write - 1) for prompt in writes), Decimal(0))
    saved = total(claims) - premium
    if claims and saved <= 0:
        return None
    return group.facts.finding(
        [prompt.row for prompt, _ in reads],
        window,
        (saved * group.scale if claims else None, claims),
        detector="D4",
        category="cache",
        title=f"{tokens:,} tokens that every call repeats are not marked for the cache",
        why=(
            f"{len(reads):,} of {len(group.prompts):,} calls began with the same {tokens:,} tokens as a call of the "
            f"{group.rule.life_s // 60} minutes before. This provider caches only marked prefixes, and none is marked. "
            f"The money is what reads would save, less {len(writes):,} writes at {group.rule.write:f} times the price."
        ),
        fix=Fix("Mark the end of what all calls have in common: after the tools, or after the system text.", _SNIPPET),
        verify="Cache reads of this place become most of its input tokens; writes stay rare.",
        confidence="high",
    )


DETECTOR = Detector("D4", timedelta(days=7), find, claims="cache")
