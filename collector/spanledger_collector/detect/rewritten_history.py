"""D8: a conversation whose beginning changes from turn to turn, so that the cache starts anew each time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect import cache_loss
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Window
from spanledger_collector.detect.prompts import Group, Prompt, groups

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_SHARE: Final = 0.2  # of the turns

_SNIPPET = """\
# drop old turns in blocks, rarely, instead of one with every turn
if len(history) > 40:
    history = summarise(history[:20]) + history[20:]"""


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for group in groups(ask("prompt_prefixes")):
        turns, losses = _turns(group)
        if losses and len(losses) >= MIN_SHARE * turns:
            yield _finding(group, turns, losses, window)


def _turns(group: Group) -> tuple[int, list[cache_loss.Loss]]:
    """How many calls continue a conversation, and those that do not begin as the one before them did."""
    last: dict[str, Prompt] = {}
    turns, losses = 0, []
    for prompt in group.prompts:
        conversation = prompt.row["conversation"]
        before = last.get(conversation)
        if not conversation:
            continue
        last[conversation] = prompt
        if before is None or prompt.at_ns - before.at_ns > group.rule.life_s * 10**9:
            continue
        turns += 1
        same = _common(before.blocks, prompt.blocks) * prompt.block_chars
        front = sum(prompt.row["section_chars"][:2])
        whole = min(len(before.blocks), len(prompt.blocks)) * prompt.block_chars
        reachable = cache_loss.usable(group, prompt, whole)
        lost = reachable - max(cache_loss.usable(group, prompt, same), prompt.row["read_tokens"])
        if same >= front - prompt.block_chars and lost > cache_loss.resolution(group, prompt):
            losses.append(cache_loss.Loss(prompt, lost, reachable))
    return turns, losses


def _common(one: list[str], other: list[str]) -> int:
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return length


def _finding(group: Group, turns: int, losses: list[cache_loss.Loss], window: Window) -> Finding:
    return group.facts.finding(
        [loss.prompt.row for loss in losses],
        window,
        cache_loss.money(group, losses),
        detector="D8",
        category="cache",
        title=f"{len(losses):,} of {turns:,} turns rewrite their conversation's history",
        why=(
            f"{len(losses):,} turns have the tools and the system message of the turn before them and part from it "
            "inside the history: something old was dropped or changed, so everything after it is uncached again."
        ),
        fix=Fix("Only append to a history; shorten it rarely, by much at once.", _SNIPPET),
        verify="Cache reads grow with every turn of a conversation.",
        confidence="medium",
    )


DETECTOR = Detector("D8", timedelta(days=7), find, claims="cache")
