"""D3: tools or a JSON schema written with their keys in another order each time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect import cache_loss
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Window
from spanledger_collector.detect.prompts import Group, Prompt, groups
from spanledger_collector.detect.tool_order import front, most_variants

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_SHARE: Final = 0.1  # of a place's calls

_SNIPPET = "json.dumps(schema, sort_keys=True)  # and no sets: their order changes from process to process"


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for group in groups(ask("prompt_prefixes")):
        spellings = most_variants(group, "tools_canonical", "tools")
        losses = list(cache_loss.if_equal(group, _key, front)) if spellings > 1 else []
        if losses and len(losses) >= MIN_SHARE * len(group.prompts):
            yield _finding(group, spellings, losses, window)


def _key(prompt: Prompt) -> str:
    return f"{prompt.row['tools_canonical']} {prompt.row['system']}"


def _finding(group: Group, spellings: int, losses: list[cache_loss.Loss], window: Window) -> Finding:
    return group.facts.finding(
        [loss.prompt.row for loss in losses],
        window,
        cache_loss.money(group, losses),
        detector="D3",
        category="cache",
        title=f"The same tools are written in {spellings:,} ways",
        why=(
            f"{len(losses):,} of {len(group.prompts):,} calls differ from a call of the minutes before only in the "
            "order of keys inside their tools' JSON: the same to the model, another text to the cache."
        ),
        fix=Fix("Build the tools once, or write their keys in a fixed order.", _SNIPPET),
        verify="One spelling of these tools is left, and cache reads of this place rise within an hour.",
        confidence="high",
    )


DETECTOR = Detector("D3", timedelta(days=7), find, claims="cache")
