"""D7: what all calls have in common is just too short for the provider's cache."""

from __future__ import annotations

from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.claims import total
from spanledger_collector.detect.finding import Ask, Claim, Detector, Finding, Fix, Window
from spanledger_collector.detect.prompts import Group, Held, Prompt, groups

if TYPE_CHECKING:
    from collections.abc import Iterator

NEAR: Final = 0.7  # of the minimum
MIN_SHARE: Final = 0.5  # of a place's calls


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for group in groups(ask("prompt_prefixes")):
        near = [(prompt, tokens) for prompt, tokens in _shared(group) if _is_near(group, prompt, tokens)]
        if len(near) >= MIN_SHARE * len(group.prompts) and (found := _finding(group, near, window)):
            yield found


def _shared(group: Group) -> Iterator[tuple[Prompt, float]]:
    """Every call, with the tokens of the prefix that a recent call had, too."""
    held = Held(group.rule.life_s)
    for prompt in group.prompts:
        yield prompt, prompt.tokens(held.length(prompt.blocks, prompt.at_ns) * prompt.block_chars)
        held.add(prompt.blocks, prompt.at_ns)


def _is_near(group: Group, prompt: Prompt, tokens: float) -> bool:
    return NEAR * group.rule.minimum <= tokens < group.rule.minimum and not prompt.row["read_tokens"]


def _finding(group: Group, near: list[tuple[Prompt, float]], window: Window) -> Finding | None:
    """With what fills it up to the minimum all of it is read: worth it where that costs less than the prefix now."""
    claims = tuple(
        Claim(prompt.row["span_id"], "input", usd)
        for prompt, tokens in near
        if prompt.price is not None
        and (usd := prompt.price * (int(tokens) - int(group.rule.minimum * group.read_ratio))) > 0
    )
    if not claims:
        return None
    tokens = median(shared for _, shared in near)
    return group.facts.finding(
        [prompt.row for prompt, _ in near],
        window,
        (total(claims) * group.scale, claims),
        detector="D7",
        category="cache",
        title=f"{tokens:,.0f} tokens are the same in every call; {group.rule.minimum:,} would be cached",
        why=(
            f"{len(near):,} of {len(group.prompts):,} calls share about {tokens:,.0f} tokens with a call of the "
            f"minutes before: too few for this model's cache, which begins at {group.rule.minimum:,}. The money is "
            "what is left after paying for what fills it up."
        ),
        fix=Fix("Move examples or rules that every call needs into the common beginning. Do not pad with nonsense."),
        verify="Calls of this place begin to read from the cache.",
        confidence="low",
    )


DETECTOR = Detector("D7", timedelta(days=7), find, claims="cache")
