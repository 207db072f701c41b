"""D9: so many content blocks since the last mark that the provider no longer finds what it has cached."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect import cache_loss
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Window
from spanledger_collector.detect.prompts import Group, Held, groups

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOK_BACK: Final = (
    20  # content blocks before a mark: https://platform.claude.com/docs/en/build-with-claude/prompt-caching
)
MIN_CALLS: Final = 5

_SNIPPET = """\
# a second mark, some fifteen blocks behind the first
history[-15]["content"][-1]["cache_control"] = {"type": "ephemeral"}"""


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for group in groups(ask("prompt_prefixes")):
        if not group.rule.automatic:
            lost = list(_lost(group))
            if len(lost) >= MIN_CALLS:
                yield _finding(group, lost, window)


def _lost(group: Group) -> Iterator[cache_loss.Loss]:
    held = Held(group.rule.life_s)
    for prompt in group.prompts:
        chars = held.length(prompt.blocks, prompt.at_ns) * prompt.block_chars
        held.add(prompt.blocks, prompt.at_ns)
        tokens = group.rule.cacheable(prompt.tokens(chars))
        marked = bool(prompt.row["breakpoints"]) and prompt.row["parts"] > LOOK_BACK
        if marked and not prompt.row["read_tokens"] and tokens > cache_loss.resolution(group, prompt):
            yield cache_loss.Loss(prompt, tokens, tokens)


def _finding(group: Group, lost: list[cache_loss.Loss], window: Window) -> Finding:
    parts = max(loss.prompt.row["parts"] for loss in lost)
    return group.facts.finding(
        [loss.prompt.row for loss in lost],
        window,
        cache_loss.money(group, lost),
        detector="D9",
        category="cache",
        title=f"Up to {parts:,} content blocks hide what is cached",
        why=(
            f"{len(lost):,} of {len(group.prompts):,} calls repeat a cached beginning and read nothing: the provider "
            f"looks back {LOOK_BACK} content blocks from a mark, and these calls have more."
        ),
        fix=Fix(f"Set another mark every {LOOK_BACK - 5} blocks or so; four are allowed.", _SNIPPET),
        verify="Long conversations of this place read from the cache again.",
        confidence="medium",
    )


DETECTOR = Detector("D9", timedelta(days=7), find, claims="cache")
