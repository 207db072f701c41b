from decimal import Decimal

from tests.support.calls import make_call

from spanledger_collector.model import Usage
from spanledger_collector.pricing import Book
from spanledger_collector.review.bridge import build
from spanledger_collector.review.bridge.closing import difference, total

BOOK = Book()


def priced(at: str, **usage: int):
    call = make_call(Usage(**usage), at, team="search")
    call.cost = BOOK.price(call)
    return call


def segments(ledger, since: str, until: str):
    return ledger.rows("segments", from_=f"{since}:00Z", to=f"{until}:00Z")


def test_segments_hold_every_part_over_broken_hours_too(ledger):
    ledger.write(
        [
            priced("2026-10-01T00:10:00Z", uncached_input=10, cache_read=2000, output=30, reasoning=5),
            priced("2026-10-01T01:10:00Z", uncached_input=20, output=70),
            make_call(None, "2026-10-01T02:10:00Z", outcome="error", team="search"),
        ]
    )
    rows = segments(ledger, "2026-10-01T00:05", "2026-10-01T02:15")
    assert [(row["outcome"], row["cost_grade"], row["calls"], row["without_usage"]) for row in rows] == [
        ("error", "unknown", 1, 1),
        ("ok", "measured", 2, 0),
    ]
    assert (rows[1]["input_tokens"], rows[1]["cache_read_tokens"], rows[1]["reasoning_tokens"]) == (2030, 2000, 5)
    parts = [rows[1][f"cost_{part}"] for part in ("input", "cache_read", "cache_write", "output", "other")]
    (totals,) = ledger.rows("totals")
    assert sum(parts) == rows[1]["cost"] == totals["cost_usd"]


def test_environments_split_segments_only_when_asked(ledger):
    ledger.write([make_call(None, "2026-10-01T00:10:00Z", environment=name) for name in ("staging", "live", "live")])
    (whole,) = ledger.rows("segments")
    split = ledger.rows("segments", by="environment")
    assert [(row["key"], row["calls"]) for row in split] == [("live", 2), ("staging", 1)]
    assert "key" not in whole
    assert whole["calls"] == 3


def test_the_bridge_of_a_real_ledger_sums_to_its_totals(ledger):
    ledger.write([priced("2026-09-03T00:10:00Z", uncached_input=10, cache_read=2000, output=31) for _ in range(3)])
    ledger.write([priced("2026-10-03T00:10:00Z", uncached_input=977, output=33) for _ in range(7)])
    bridge = build(
        segments(ledger, "2026-09-01T00:00", "2026-10-01T00:00"),
        segments(ledger, "2026-10-01T00:00", "2026-11-01T00:00"),
    )
    (september,) = ledger.rows("totals", from_="2026-09-01T00:00:00Z", to="2026-10-01T00:00:00Z")
    (october,) = ledger.rows("totals", from_="2026-10-01T00:00:00Z")
    assert total(bridge.bars.values()) == difference(october["cost_usd"], september["cost_usd"])
    assert bridge.bars["cache"] > Decimal(0)
