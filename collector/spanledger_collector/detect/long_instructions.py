"""D27: instructions far longer than what is asked with them, sent uncached with every call."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.claims import total
from spanledger_collector.detect.finding import Ask, Claim, Detector, Finding, Fix, Window
from spanledger_collector.detect.prompts import Group, Prompt, groups

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_SHARE: Final = 0.6  # of the prompt
MIN_OF_CALLS: Final = 0.8
MIN_TOKENS: Final = 200
HALF: Final = Decimal("0.5")  # what shortening may save, as a rule of thumb: labelled as such


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for group in groups(ask("prompt_prefixes")):
        systems = {prompt.row["system"] for prompt in group.prompts}
        long = [prompt for prompt in group.prompts if _is_long(prompt)]
        if len(systems) == 1 and len(long) >= MIN_OF_CALLS * len(group.prompts):
            yield _finding(group, long, window)


def _system_tokens(prompt: Prompt) -> int:
    sections = prompt.row["section_chars"]
    return int(prompt.tokens(sections[1])) if len(sections) > 1 else 0


def _is_long(prompt: Prompt) -> bool:
    tokens = _system_tokens(prompt)
    share = tokens / prompt.row["input_tokens"]
    return tokens >= MIN_TOKENS and share >= MIN_SHARE and not prompt.row["read_tokens"]


def _finding(group: Group, long: list[Prompt], window: Window) -> Finding:
    claims = tuple(
        Claim(each.row["span_id"], "input", each.price * _system_tokens(each) * HALF)
        for each in long
        if each.price is not None
    )
    tokens = _system_tokens(long[-1])
    rest = long[-1].row["input_tokens"] - tokens
    return group.facts.finding(
        [each.row for each in long],
        window,
        (total(claims) * group.scale if claims else None, claims),
        detector="D27",
        category="cost",
        title=f"{tokens:,} tokens of instructions for {rest:,} tokens of question",
        why=(
            f"{len(long):,} of {len(group.prompts):,} calls carry the same system message, most of their input, and "
            "none of it was read from the cache. The money is half of its cost: how much can go, only a test shows."
        ),
        fix=Fix("Shorten the instructions, ask several questions at once, or make the common beginning cacheable."),
        verify="Input tokens per call fall, and the answers' quality in your own test does not.",
        confidence="low",
    )


DETECTOR = Detector("D27", timedelta(days=7), find, claims="size")
