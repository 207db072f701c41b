"""The page's tables as one tidy CSV: a row per dimension and key, money exact.

``restated`` are the days that were priced again, with the cost as it is and as it was before.
"""

from __future__ import annotations

import csv
from typing import Final, TextIO

from spanledger_collector.review.pack import DIMENSIONS, Pack

_COUNTS: Final = ("calls", "failures", "unpriced_calls", "input_tokens", "output_tokens", "cache_read_tokens")
COLUMNS: Final = ("period", "by", "key", "cost_usd", "previous_cost_usd", "coverage", *_COUNTS)


def write(pack: Pack, out: TextIO) -> None:
    """Unknown cost is an empty field, never 0; so is the previous cost of what did not exist then."""
    rows = csv.DictWriter(out, COLUMNS, extrasaction="ignore", lineterminator="\n")
    rows.writeheader()
    for by in DIMENSIONS:
        for row in pack.spend[by]:
            before = pack.spend_before[by].get(row["key"], {})
            named = {"period": str(pack.period), "by": by, "previous_cost_usd": before.get("cost_usd")}
            rows.writerow(row | named)
    for row in pack.restatements:
        costs = {"cost_usd": row["cost_after_usd"], "previous_cost_usd": row["cost_before_usd"], "calls": row["calls"]}
        rows.writerow({"period": str(pack.period), "by": "restated", "key": row["day"][:10]} | costs)
