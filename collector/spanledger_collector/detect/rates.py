"""What a model's tokens cost, out of the calls that it answered: discounts and all."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spanledger_collector.detect.finding import Row

_PARTS = {
    "input": ("cost_input_usd", "uncached_tokens"),
    "read": ("cost_read_usd", "read_tokens"),
    "output": ("cost_output_usd", "output_tokens"),
}


def rates(rows: Iterable[Row], model: str) -> dict[str, Decimal] | None:
    """US dollars per token of uncached input, cached input and output; cached input as uncached where none was read.
    None where no answered call tells.
    """
    priced = [row for row in rows if row["model"].startswith(model) and row["cost_usd"] is not None]
    found = {part: _rate(priced, *names) for part, names in _PARTS.items()}
    plain, read, output = found["input"], found["read"], found["output"]
    if plain is None or output is None:
        return None
    return {"input": plain, "read": plain if read is None else read, "output": output}


def _rate(rows: list[Row], money: str, tokens: str) -> Decimal | None:
    number = sum(row[tokens] or 0 for row in rows)
    return sum((row[money] for row in rows), Decimal(0)) / number if number else None
