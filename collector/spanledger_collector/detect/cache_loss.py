"""Tokens that the provider's cache would have read and did not, and what they cost beyond the price of a read."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from spanledger_collector.detect.finding import Claim

if TYPE_CHECKING:
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


def claim(group: Group, loss: Loss) -> Claim | None:
    """Written tokens cost more than the others; None where the call has no price."""
    price = loss.prompt.price
    if price is None:
        return None
    written = min(loss.prompt.written, int(loss.tokens))
    plain = min(loss.prompt.row["uncached_tokens"], int(loss.tokens) - written)
    ratio = written * (group.write_ratio - group.read_ratio) + plain * (Decimal(1) - group.read_ratio)
    return Claim(loss.prompt.row["span_id"], "input", price * ratio)
