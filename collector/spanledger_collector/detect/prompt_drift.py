"""D42: a prompt that changed without a new version, and calls that cost more or fail more since."""

from __future__ import annotations

import math
from datetime import timedelta
from statistics import mean, pvariance
from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.detect.facts import percent
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Window
from spanledger_collector.detect.prompts import Group, Prompt, groups

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_CALLS: Final = 20  # on each side
MIN_RISE: Final = 1.15  # of the cost per call
Z: Final = 4.0


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for group in groups(ask("prompt_prefixes")):
        place = _change(group)
        if place and (found := _finding(group, group.prompts[:place], group.prompts[place:], window)):
            yield found


def _change(group: Group) -> int:
    """Where the system message changed once, for good, within one release; 0 where it did not, or keeps changing."""
    systems = [prompt.row["system"] for prompt in group.prompts]
    changes = [at for at in range(1, len(systems)) if systems[at] != systems[at - 1]]
    if len(changes) != 1 or not min(changes[0], len(systems) - changes[0]) >= MIN_CALLS:
        return 0
    at = changes[0]
    same = group.prompts[at].row["version"] == group.prompts[at - 1].row["version"]
    return at if same else 0


def _costs(prompts: tuple[Prompt, ...]) -> list[float]:
    return [float(each.row["cost_usd"]) for each in prompts if each.row["cost_usd"] is not None]


def _finding(group: Group, before: Any, after: Any, window: Window) -> Finding | None:
    was, is_ = _costs(before), _costs(after)
    if min(len(was), len(is_)) < MIN_CALLS or mean(is_) < MIN_RISE * mean(was):
        return None
    if mean(is_) - mean(was) <= Z * math.sqrt(pvariance(was) / len(was) + pvariance(is_) / len(is_)):
        return None
    return group.facts.finding(
        [each.row for each in after],
        window,
        detector="D42",
        category="prompt",
        title=f"The prompt changed {after[0].row['start']:%a %d %b %H:%M} UTC: {mean(is_) / mean(was) - 1:+.0%} a call",
        why=(
            f"The system message of this place changed without a new release. {len(was):,} calls before cost "
            f"${mean(was):.4g} on average, {len(is_):,} since ${mean(is_):.4g}; "
            f"{percent(len(after), len(group.prompts))} of the calls have the new one."
        ),
        fix=Fix("Give prompts a version and tag calls with it, so that a change shows by its name.", _SNIPPET),
        verify="Calls carry the prompt's version; the cost per call by version tells them apart.",
        confidence="medium",
    )


_SNIPPET = 'with spanledger.tag(prompt_name="answer", prompt_version="14"): ...'

DETECTOR = Detector("D42", timedelta(days=7), find, min_days=1)
