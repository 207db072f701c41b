"""The answer key: what the seeded pitfalls cost, worked out from how they were made and the providers' price pages.

Nothing here asks a detector, a price book or a query. Money is US dollars, of all seeded days before the anchor's.
``within``: lengths of prompts are known in blocks of 512 characters, and caches read in steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from spanledger_collector.demo.pitfalls.caches import KEPT_TURNS, NEAR, STABLE, TURN
from spanledger_collector.demo.pitfalls.calls import (
    ATTEMPT,
    BURST,
    EVERY,
    ITEMS,
    LONG_INSTRUCTIONS,
    OVER_THE_STEP,
    REASONING,
    RUN,
    RUNAWAY,
    RUNS,
    TRIED,
    TURNS,
)
from spanledger_collector.demo.pitfalls.calls import TURN as CHAT_TURN
from spanledger_collector.demo.pitfalls.seeded import CALLS, DAYS, INPUT, OUTPUT, RELEASE

MILLION: Final = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per token. Cached input costs ``read`` times input, written input ``write`` times."""

    input: Decimal
    output: Decimal
    read: Decimal
    write: Decimal = Decimal(1)

    def call(self, input_tokens: int, output: int) -> Decimal:
        return input_tokens * self.input + output * self.output


def _price(input_usd: str, output_usd: str, read: str, write: str = "1") -> Price:
    return Price(Decimal(input_usd) / MILLION, Decimal(output_usd) / MILLION, Decimal(read), Decimal(write))


GPT_41: Final = _price("2", "8", "0.25")
GPT_41_MINI: Final = _price("0.4", "1.6", "0.25")
GPT_5: Final = _price("1.25", "10", "0.1")
SONNET: Final = _price("3", "15", "0.1", "1.25")
OPUS: Final = _price("5", "25", "0.1", "1.25")
GEMINI: Final = _price("1.25", "10", "0.1")  # up to 200,000 tokens
GEMINI_ABOVE: Final = _price("2.5", "15", "0.1")


@dataclass(frozen=True, slots=True)
class Answer:
    """``usd`` None: found, and no money claimed."""

    usd: Decimal | None = None
    within: Decimal = Decimal(0)  # of usd


def _days(usd_a_day: Decimal, within: str = "0") -> Answer:
    return Answer(usd_a_day * DAYS, Decimal(within))


def _read_instead(tokens: int, price: Price, calls: int = CALLS - 1) -> Decimal:
    """By all but a day's first call."""
    return calls * tokens * price.input * (1 - price.read)


CALL: Final = GPT_41.call(INPUT, OUTPUT)
WRONG: Final = CALLS // EVERY
BLOCKS: Final = "0.03"

ANSWERS: Final[dict[str, Answer]] = {
    "D1": _days(_read_instead(STABLE, GPT_41), BLOCKS),
    "D2": _days(_read_instead(STABLE, GPT_41), BLOCKS),
    "D3": _days(_read_instead(STABLE, GPT_41), BLOCKS),
    "D4": _days(_read_instead(STABLE, SONNET) - STABLE * SONNET.input * (SONNET.write - 1), BLOCKS),
    "D5": _days(CALLS * STABLE * SONNET.input * (SONNET.write - 1)),
    # Kept for an hour, one write at twice the price and reads; now each call writes.
    "D6": _days(STABLE * SONNET.input * ((CALLS - 1) * (SONNET.write - SONNET.read) - (2 - SONNET.write))),
    "D7": _days((CALLS - 1) * OPUS.input * (NEAR - 4096 * OPUS.read), BLOCKS),
    "D8": _days(_read_instead(KEPT_TURNS * TURN, GPT_41, CALLS - KEPT_TURNS), BLOCKS),
    "D9": _days(_read_instead(STABLE, SONNET), BLOCKS),
    "D10": Answer(),
    "D11": Answer(RELEASE * CALLS * 16_000 * GPT_41.input * (1 - GPT_41.read)),
    "D12": Answer(),
    "D13": Answer(),
    "D13b": Answer(),
    "D14": Answer(),
    "D15": Answer(),
    "D16": Answer(),
    "D17": Answer(),
    "D18": _days(CALLS // 2 * (SONNET.call(INPUT, OUTPUT) - CALL)),
    "D19": Answer(),
    "D20": Answer(),
    "D21": Answer(),
    "D21b": Answer(),
    "D22": Answer(),
    "D23": _days((CALLS - 1) * CALL),
    "D24": _days(CALLS * INPUT // 2 * GPT_41.input * (ITEMS - 1) / ITEMS, BLOCKS),
    "D25": Answer(RUNAWAY * GPT_41.call(2_000, OUTPUT), Decimal("0.05")),  # of one day; a usual trace is no waste
    "D26": _days(CALLS // TURNS * sum(range(1, TURNS)) * CHAT_TURN * GPT_41.input),
    "D27": _days(2 * CALLS * LONG_INSTRUCTIONS * OPUS.input / 2, BLOCKS),
    "D28": _days(BURST * CALL / 2),
    "D28b": _days(RUNS * RUN * CALL / 2),
    "D29": _days(CALLS * (GPT_41.call(INPUT, 10) - GPT_41_MINI.call(INPUT, 10))),
    "D30": _days(CALLS * REASONING * GPT_5.output),
    "D30b": Answer(),
    "D30c": _days(CALLS * (GEMINI_ABOVE.call(OVER_THE_STEP, OUTPUT) - GEMINI.call(OVER_THE_STEP, OUTPUT)), "1e-9"),
    "D31": Answer(),
    "D32": Answer(),
    "D33": Answer(),
    "D34": Answer(),
    "D36": _days(WRONG * CALL),
    "D37": _days(WRONG * CALL),
    "D38": _days(TRIED * (ATTEMPT + 2 * ATTEMPT) * GPT_41.input),
    "D39": _days(WRONG * CALL),
    "D40": Answer(),
    "D41": Answer(),
    "D42": Answer(),
    "D43": Answer(),
    "D44": Answer(RELEASE * CALLS // 2 * CALL),
    "D45": _days(WRONG * CALL),
}
