"""A cost in words: the price line, its source and the arithmetic, as a finance person would check it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanledger_collector.pricing.rates import PARTS, bill, charged, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from spanledger_collector.model import Call, Cost
    from spanledger_collector.pricing.rates import Card


def plain(amount: Decimal) -> str:
    """Exact, without exponent or trailing zeros: "0.01744"; "0" for zero."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def explanation(call: Call, cost: Cost, card: Card) -> str:
    """Lines of text: what was charged and how, or why nothing could be."""
    if cost.total is None:
        return f"cost unknown: {cost.reason}"
    if cost.grade == "provider":
        return f"{cost.price}: the provider itself reported ${plain(cost.total)} for this call"
    lines = [f"price {cost.price} from {card.source}", arithmetic(call, cost, card)]
    lines += [f"note: {note}" for note in dict.fromkeys((*_notes(call, card), *card.notes))]
    if cost.reason:
        lines.append(f"{cost.grade}: {cost.reason}")
    return "\n".join(lines)


def arithmetic(call: Call, cost: Cost, card: Card) -> str:
    """Every part with its tokens and rate: ``output 512 x $10/M = $0.00512 ; total = $0.00512``."""
    usage = call.usage
    if usage is None or cost.total is None:
        return "total unknown"
    parts = [
        f"{_words(part, call)} {count} x ${plain(quoted(part, rate))}/{PARTS[part].label}"
        f" = ${plain(charged(part, rate, count))}"
        for part, count, rate in bill(usage, card.rates(usage.input_tokens))
        if rate is not None
    ]
    if request := card.rates(usage.input_tokens).request:
        parts.append(f"1 request = ${plain(request)}")
    return " ; ".join([*parts, f"total = ${plain(cost.total)}"])


def _notes(call: Call, card: Card) -> Iterator[str]:
    """The price lines that priced something of this call."""
    usage = call.usage
    if usage is None:
        return
    rates = card.rates(usage.input_tokens)
    for part, _, rate in bill(usage, rates):
        if rate is not None:
            yield from rates.notes.get(part, ())


def _words(part: str, call: Call) -> str:
    with_reasoning = part == "output" and call.usage is not None and call.usage.reasoning
    return "output (incl. reasoning)" if with_reasoning else PARTS[part].words
