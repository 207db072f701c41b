"""D1: text that changes with every call stands so far in front that the provider's prefix cache never matches.

Two chains of hashes are compared, raw and with volatile text masked: calls that part in the raw chain and agree in the
masked one would have been read from the cache but for that text.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.cache_loss import Loss, claim, resolution, usable
from spanledger_collector.detect.claims import total
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Window
from spanledger_collector.detect.prompts import Group, Held, Prompt, groups

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_BROKEN_SHARE: Final = 0.2  # of a place's calls
SURE_SHARE: Final = 0.8  # of the breaks at one kind of text
SURE_CALLS: Final = 100
_MOST_TRACES: Final = 3

_SNIPPET = """\
messages=[
    {"role": "system", "content": INSTRUCTIONS},                 # the same in every call: first
    {"role": "user", "content": f"Now: {now}\\n\\n{question}"},    # what changes with the call: last
]"""


@dataclass(frozen=True, slots=True)
class Break:
    """One call that would have been read from the cache."""

    loss: Loss
    kind: str  # of the text it parts at; empty where none is known
    offset: int  # characters


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for group in groups(ask("prompt_prefixes")):
        broken = list(breaks(group))
        if len(broken) >= MIN_BROKEN_SHARE * len(group.prompts):
            yield _finding(group, broken, window)


def breaks(group: Group) -> Iterator[Break]:
    """The calls whose prefix was held but for volatile text, as the provider's rule counts it."""
    raw, masked = Held(group.rule.life_s), Held(group.rule.life_s)
    for prompt in group.prompts:
        same = raw.length(prompt.blocks, prompt.at_ns)
        alike = masked.length(prompt.masked, prompt.at_ns)
        raw.add(prompt.blocks, prompt.at_ns)
        masked.add(prompt.masked, prompt.at_ns)
        reachable = usable(group, prompt, alike * prompt.block_chars)
        lost = reachable - max(usable(group, prompt, same * prompt.block_chars), prompt.row["read_tokens"])
        if alike > same and lost > resolution(group, prompt):
            yield Break(Loss(prompt, lost, reachable), *_volatile(prompt, same))


def _volatile(prompt: Prompt, same: int) -> tuple[str, int]:
    """What stands in the first block that differs, and where."""
    first = same * prompt.block_chars
    for kind, offset in zip(prompt.row["volatile_kinds"], prompt.row["volatile_offsets"], strict=False):
        if offset >= first:
            return (kind, offset) if offset < first + prompt.block_chars else ("", first)
    return "", first


def _finding(group: Group, broken: list[Break], window: Window) -> Finding:
    claims = tuple(made for each in broken if (made := claim(group, each.loss)) is not None)
    (kind, section), count = Counter((each.kind, _where(each)[0]) for each in broken).most_common(1)[0]
    typical = next(each for each in broken if (each.kind, _where(each)[0]) == (kind, section))
    named = f"A {kind}" if kind else "Text"
    at = f"{named} at token {_where(typical)[1]:,} of the {section}"
    sure = count >= SURE_SHARE * len(broken) and len(broken) >= SURE_CALLS
    return Finding(
        detector="D1",
        category="cache",
        place=group.place,
        window=window,
        title=f"{at} keeps {group.place.model} from reading its cache",
        why=_why(group, broken, at),
        fix=Fix(
            "Put what is the same in every call first and what changes last: the time, ids and the user's own text "
            "belong at the end, in the last message.",
            _SNIPPET,
        ),
        verify="Cache reads at this place become most of its input tokens within an hour of the change.",
        confidence="high" if sure else "medium",
        trace_ids=tuple(each.loss.prompt.row["trace_id"] for each in broken[-_MOST_TRACES:]),
        money_usd=total(claims) * group.scale if claims else None,
        money_grade="modelled" if claims else "none",
        evidence=group.facts.evidence(),
        claims=claims,
    )


def _where(each: Break) -> tuple[str, int]:
    return each.loss.prompt.place_of(each.offset)


def _why(group: Group, broken: list[Break], at: str) -> str:
    shared = sorted(each.loss.reachable for each in broken)[len(broken) // 2]
    read = sum(each.loss.prompt.row["read_tokens"] for each in broken)
    sample = "" if group.calls == len(group.prompts) else f" (looked at: the newest {len(group.prompts):,})"
    return (
        f"{len(broken):,} of {len(group.prompts):,} calls{sample} began with the same {shared:,.0f} tokens as a "
        f"call of the {group.rule.life_s // 60} minutes before them, but for what changes from call to call. {at} "
        f"is where they part, and a prefix cache matches from the start only: it read {read:,} of their tokens."
    )


DETECTOR = Detector("D1", timedelta(days=7), find, claims="cache")
