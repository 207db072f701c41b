"""D6: calls come just too late for a cache that forgets after five minutes, and in time for one that keeps an hour."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.claims import total
from spanledger_collector.detect.finding import Ask, Claim, Detector, Finding, Fix, Window
from spanledger_collector.detect.prompts import Group, Prompt, groups

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUR_NS: Final = 3600 * 10**9
HOUR_WRITE: Final = Decimal(2)  # times the price of uncached input
MIN_SHARE: Final = 0.2  # of a place's calls come again between the two lives

_SNIPPET = 'cache_control={"type": "ephemeral", "ttl": "1h"}'


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for group in groups(ask("prompt_prefixes")):
        if group.rule.automatic or not any(prompt.row["write_5m_tokens"] for prompt in group.prompts):
            continue
        late, extra = _late(group)
        if len(late) >= MIN_SHARE * len(group.prompts) and (found := _finding(group, late, extra, window)):
            yield found


def _late(group: Group) -> tuple[list[Prompt], list[Prompt]]:
    """Writes of a prefix that was written within the hour, and those that an hour's life would have made dearer."""
    last: dict[str, int] = {}
    late: list[Prompt] = []
    extra: list[Prompt] = []
    for prompt in group.prompts:
        marks = prompt.row["breakpoints"]
        key = "".join(prompt.blocks[: (marks[-1] // prompt.block_chars) if marks else 0][-1:])
        gap = prompt.at_ns - last.get(key, -HOUR_NS * 2)
        last[key] = prompt.at_ns
        if key and prompt.row["write_5m_tokens"]:
            (late if gap <= HOUR_NS else extra).append(prompt)
    return late, extra


def _finding(group: Group, late: list[Prompt], extra: list[Prompt], window: Window) -> Finding | None:
    """With an hour's life the late writes are reads, and the first ones cost twice the price instead of 1.25 times."""
    ratio = group.rule.write - group.rule.read
    claims = tuple(
        Claim(each.row["span_id"], "input", each.price * each.row["write_5m_tokens"] * ratio)
        for each in late
        if each.price is not None
    )
    premium = HOUR_WRITE - group.rule.write
    dearer = sum(((each.price or 0) * each.row["write_5m_tokens"] * premium for each in extra), Decimal(0))
    saved = total(claims) - dearer
    if saved <= 0:
        return None
    return group.facts.finding(
        [each.row for each in late],
        window,
        (saved * group.scale, claims),
        detector="D6",
        category="cache",
        title=f"{len(late):,} prefixes were written again within the hour",
        why=(
            f"{len(late):,} of {len(group.prompts):,} calls wrote a prefix that had been written 5 to 60 minutes "
            f"before. Kept for an hour they would have been read; {len(extra):,} first writes would cost double."
        ),
        fix=Fix("Ask for the longer life at this place.", _SNIPPET),
        verify="Writes at this place fall to about one an hour, reads rise.",
        confidence="high",
    )


DETECTOR = Detector("D6", timedelta(days=7), find, claims="cache")
