"""Tokens that the provider's cache would have read and did not, and what they cost beyond the price of a read."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from spanledger_collector.detect.claims import total
from spanledger_collector.detect.finding import Claim
from spanledger_collector.detect.prompts import Held

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from spanledger_collector.detect.prompts import Group, Prompt


class Loss(NamedTuple):
    prompt: Prompt
    tokens: float  # not read
    reachable: float  # of the prefix that could have been


def usable(group: Group, prompt: Prompt, chars: int) -> float:
    """Tokens that the cache takes of a prefix of so many characters; one that wants marks takes it up to the last."""
    if not group.rule.automatic:
        marks = [mark for mark in prompt.row["breakpoints"] if mark // prompt.block_chars * prompt.block_chars <= chars]
        chars = max(marks, default=0)
    return group.rule.cacheable(prompt.tokens(chars))


def resolution(group: Group, prompt: Prompt) -> float:
    """Tokens within which lengths are not told apart: a block of the chain, a step of the cache."""
    return prompt.tokens(prompt.block_chars) + group.rule.step


def claim(group: Group, loss: Loss) -> Claim | None:
    """Written tokens cost more than the others; None where the call has no price."""
    price = loss.prompt.price
    if price is None:
        return None
    written = min(loss.prompt.written, int(loss.tokens))
    plain = min(loss.prompt.row["uncached_tokens"], int(loss.tokens) - written)
    ratio = written * (group.write_ratio - group.read_ratio) + plain * (Decimal(1) - group.read_ratio)
    return Claim(loss.prompt.row["span_id"], "input", price * ratio)


def money(group: Group, losses: Iterable[Loss]) -> tuple[Decimal | None, tuple[Claim, ...]]:
    """All calls of the place counted; None where no cost is known."""
    claims = tuple(made for loss in losses if (made := claim(group, loss)) is not None and made.usd > 0)
    return (total(claims) * group.scale if claims else None), claims


def if_equal(group: Group, key: Callable[[Prompt], str], chars: Callable[[Prompt], int]) -> Iterator[Loss]:
    """What the first ``chars`` of prompts would have saved, were they equal whenever their ``key`` is."""
    raw, alike = Held(group.rule.life_s), Held(group.rule.life_s)
    for prompt in group.prompts:
        same = raw.length(prompt.blocks, prompt.at_ns) * prompt.block_chars
        held = alike.length([key(prompt)], prompt.at_ns)
        raw.add(prompt.blocks, prompt.at_ns)
        alike.add([key(prompt)], prompt.at_ns)
        reachable = usable(group, prompt, chars(prompt)) if held else 0
        lost = reachable - max(usable(group, prompt, same), prompt.row["read_tokens"])
        if lost > resolution(group, prompt):
            yield Loss(prompt, lost, reachable)
