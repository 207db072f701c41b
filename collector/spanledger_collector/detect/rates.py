"""What a model's tokens cost, out of the calls that it answered: discounts and all."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spanledger_collector.detect.finding import Row

_PARTS = {
    "input": ("cost_input_usd", "uncached_tokens"),
    "read": ("cost_read_usd", "read_tokens"),
    "output": ("cost_output_usd", "output_tokens"),
}


_DATED: Final = re.compile(r"[-@]\d[\d-]*")


def is_model(answered: str, asked: str) -> bool:
    """Replies name a dated version of what was asked for; a sibling's name begins alike and is another model."""
    rest = answered[len(asked) :]
    return answered.startswith(asked) and (not rest or _DATED.fullmatch(rest) is not None)


def rates(rows: Iterable[Row], model: str) -> dict[str, Decimal] | None:
    """US dollars per token of uncached input, cached input and output; cached input as uncached where none was read.
    None where no answered call tells.
    """
    priced = [row for row in rows if is_model(row["model"], model) and row["cost_usd"] is not None]
    found = {part: _rate(priced, *names) for part, names in _PARTS.items()}
    plain, read, output = found["input"], found["read"], found["output"]
    if plain is None or output is None:
        return None
    return {"input": plain, "read": plain if read is None else read, "output": output}


def _rate(rows: list[Row], money: str, tokens: str) -> Decimal | None:
    number = sum(row[tokens] or 0 for row in rows)
    return sum((row[money] for row in rows), Decimal(0)) / number if number else None
