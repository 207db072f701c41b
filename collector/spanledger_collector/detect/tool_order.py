"""D2: the same tools in another order: a different prompt to a cache that matches from the start."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect import cache_loss
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Window
from spanledger_collector.detect.prompts import Group, Prompt, groups

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_SHARE: Final = 0.1  # of a place's calls

_SNIPPET = 'tools = sorted(tools, key=lambda tool: tool["function"]["name"])'


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for group in groups(ask("prompt_prefixes")):
        orders = most_variants(group, "tools_sorted", "tools_canonical")
        losses = list(cache_loss.if_equal(group, _key, front)) if orders > 1 else []
        if losses and len(losses) >= MIN_SHARE * len(group.prompts):
            yield _finding(group, orders, losses, window)


def most_variants(group: Group, same: str, varying: str) -> int:
    """Of prompts that are the same in one fingerprint, how many there are of another."""
    found: dict[str, set[str]] = {}
    for prompt in group.prompts:
        if prompt.row[same]:
            found.setdefault(prompt.row[same], set()).add(prompt.row[varying])
    return max(map(len, found.values()), default=0)


def front(prompt: Prompt) -> int:
    """Characters of tools and system message."""
    return sum(prompt.row["section_chars"][:2])


def _key(prompt: Prompt) -> str:
    return f"{prompt.row['tools_sorted']} {prompt.row['system']}"


def _finding(group: Group, orders: int, losses: list[cache_loss.Loss], window: Window) -> Finding:
    return group.facts.finding(
        [loss.prompt.row for loss in losses],
        window,
        cache_loss.money(group, losses),
        detector="D2",
        category="cache",
        title=f"The same tools are sent in {orders:,} orders",
        why=(
            f"{len(losses):,} of {len(group.prompts):,} calls had tools and system message in common with a call of "
            "the minutes before, in another order. Tools come first in what the cache sees, so it read none of that."
        ),
        fix=Fix("Sort the tools by their name before they are sent.", _SNIPPET),
        verify="One order of these tools is left, and cache reads of this place rise within an hour.",
        confidence="high",
    )


DETECTOR = Detector("D2", timedelta(days=7), find, claims="cache")
