"""D10: an unchanged prefix that the provider did not read from its cache. Not the application's doing: no saving."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect import cache_loss
from spanledger_collector.detect.facts import percent
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Window
from spanledger_collector.detect.prompts import Group, Held, groups

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_SHARE: Final = 0.05  # of the calls that should have been read
SPILL_PER_MINUTE: Final = 15  # requests of one prefix; beyond it OpenAI routes them to other machines

_SNIPPET = 'client.chat.completions.create(..., prompt_cache_key="support-answer")'


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for group in groups(ask("prompt_prefixes")):
        if not group.rule.automatic:
            continue
        due, missed = _due(group)
        if due and len(missed) >= MIN_SHARE * due and len(missed) < due:  # never read at all is another matter
            yield _finding(group, due, missed, window)


def _due(group: Group) -> tuple[int, list[cache_loss.Loss]]:
    """How many calls had a prefix that the cache should hold, and those of them that read nothing."""
    held = Held(group.rule.life_s)
    due, missed = 0, []
    for prompt in group.prompts:
        tokens = cache_loss.usable(group, prompt, held.length(prompt.blocks, prompt.at_ns) * prompt.block_chars)
        held.add(prompt.blocks, prompt.at_ns)
        due += tokens > 0
        if tokens and not prompt.row["read_tokens"]:
            missed.append(cache_loss.Loss(prompt, tokens, tokens))
    return due, missed


def _finding(group: Group, due: int, missed: list[cache_loss.Loss], window: Window) -> Finding:
    usd, _ = cache_loss.money(group, missed)
    lost = "" if usd is None else f" Their discount would have been about ${usd:,.2f}."
    return group.facts.finding(
        [loss.prompt.row for loss in missed],
        window,
        detector="D10",
        category="cache",
        title=f"The provider missed {percent(len(missed), due)} of unchanged prefixes",
        why=(
            f"{len(missed):,} of {due:,} calls whose prefix had been sent within {group.rule.life_s // 60} minutes "
            f"read nothing from the cache. This is not a fault of the prompt.{lost}"
        ),
        fix=Fix(
            f"Caches are kept per machine: above some {SPILL_PER_MINUTE} requests a minute they are spread. A cache "
            "key per prompt keeps equal prefixes together.",
            _SNIPPET,
        ),
        verify="The share of missed prefixes falls below 5 %.",
        confidence="medium",
    )


DETECTOR = Detector("D10", timedelta(days=7), find)
