"""What is counted beside the bill: calls told of twice, providers' invoices, response caches, fallbacks."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from tests.support.calls import make_span
from tests.support.traffic import calls_of, told, write

from spanledger import semconv
from spanledger_collector.detect import DETECTORS
from spanledger_collector.tellings import telling

BY_ID = {each.id: each for each in DETECTORS}
USAGE = {"usage_input_tokens": 1000, "usage_output_tokens": 100}
CALL_USD = Decimal("0.0028")
CALLS = 30


def spans(seed: str = "call", **more: Any) -> list[Any]:
    return [told(3600 + 60 * number, f"{seed} {number}", **USAGE, **more) for number in range(CALLS)]


def test_calls_told_of_by_another_emitter_too(ledger: Any, look: Any) -> None:
    kept = write(ledger, spans())
    assert look(BY_ID["D33"]) == []
    pairs = zip(calls_of(spans("again")), kept, strict=True)
    ledger.store.retell(77, [(telling(lost), (winner.trace_id, winner.span_id)) for lost, winner in pairs])
    (found,) = look(BY_ID["D33"])
    assert found["title"].startswith(f"{CALLS} spans that tell of a call again were skipped (${CALL_USD * CALLS:.2f} ")
    assert (found["money_usd"], found["category"]) == (None, "data_quality")


def test_replies_that_are_in_the_ledger_twice_or_more(ledger: Any, look: Any) -> None:
    def answered(seed: str, later_s: int = 0, **more: Any) -> list[Any]:
        return [
            told(9000 - later_s + 60 * number, f"{seed} {number}", response_id=f"chatcmpl-{number}", **USAGE, **more)
            for number in range(CALLS)
        ]

    write(ledger, answered("once"))
    assert look(BY_ID["D33"]) == []
    write(ledger, answered("of another provider, whose ids are its own", provider_name="azure.ai.openai"))
    assert look(BY_ID["D33"]) == []
    write(ledger, answered("twice", 3600))  # and in other hours
    (found,) = look(BY_ID["D33"])
    assert f"{CALLS} calls carry the id of a reply that is in the ledger already ($0.08 may count" in found["title"]
    write(ledger, answered("thrice", 1800))
    (found,) = look(BY_ID["D33"])
    assert f"{2 * CALLS} calls carry the id of a reply that is in the ledger already ($0.17 may" in found["title"]
    write(ledger, answered("once", 900, trace_id=b"another trace..."))  # the same span ids
    (found,) = look(BY_ID["D33"])
    assert f"{3 * CALLS} calls carry the id of a reply that is in the ledger already ($0.25 may" in found["title"]


def bill(ledger: Any, usd: Decimal) -> None:
    """Of two days ago, by the provider."""
    day = "toStartOfDay(now('UTC') - INTERVAL 2 DAY)"
    ledger.store.command(
        "INSERT INTO provider_bills (source, updated, day, provider, model, line, cost)"
        f" SELECT 'export', now64(6, 'UTC'), {day}, 'openai', 'gpt-4.1', '1', toDecimal128('{usd}', 18)"
    )


def dear(ledger: Any) -> Decimal:
    """Calls at noon two days ago; what they cost."""
    noon = datetime.now(timezone.utc).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=2)
    past = time.time() - noon.timestamp()
    usage = {"usage_input_tokens": 1_000_000, "usage_output_tokens": 0}
    calls = write(ledger, [told(past, f"dear {n}", **usage) for n in range(CALLS)])
    return sum((call.cost.total for call in calls), Decimal(0))


@pytest.mark.parametrize(("factor", "title"), [("1.01", ""), ("1.1", "-9.1%"), ("0.8", "+25.0%")])
def test_a_bill_that_differs_is_found(ledger: Any, look: Any, factor: str, title: str) -> None:
    bill(ledger, dear(ledger) * Decimal(factor))
    found = look(BY_ID["D35"])
    assert [row["title"] for row in found] == (
        [f"{title} beside the provider's bill; all of it on gpt-4.1"] if title else []
    )
    assert all(row["money_usd"] is None for row in found)


def hit(number: int, **more: Any) -> Any:
    attributes = {
        semconv.CACHE_HIT: True,
        semconv.OPERATION_NAME: "chat",
        semconv.PROVIDER_NAME: "openai",
        semconv.REQUEST_MODEL: "gpt-4.1",
    }
    start = time.time_ns() - 3600 * 10**9
    ids = {"trace_id": number.to_bytes(16, "big"), "span_id": number.to_bytes(8, "big")}
    return make_span(attributes | more, kind=1, start_ns=start, end_ns=start, **ids)


def test_what_a_response_cache_spared(ledger: Any) -> None:
    saved = {f"{semconv.CACHE_SAVED_PREFIX}input_tokens": 500, f"{semconv.CACHE_SAVED_PREFIX}output_tokens": 50}
    ledger.write([], [hit(1, **saved), hit(2, **saved), hit(3)])
    (row,) = ledger.rows("response_cache")
    assert (row["hits"], row["counted_hits"], row["saved_usd"]) == (3, 2, None)  # nothing tells what a token costs
    write(ledger, spans())
    (row,) = ledger.rows("response_cache")
    assert (row["saved_input_tokens"], row["saved_output_tokens"]) == (1000, 100)
    assert float(row["saved_usd"]) == pytest.approx(float(CALL_USD))
    assert sum(each["calls"] for each in ledger.rows("totals")) == CALLS  # a hit is no call


def test_fallbacks_are_counted_with_what_they_cost(ledger: Any) -> None:
    write(ledger, spans(fallback_from="gpt-5", logical_ordinal=2, logical_id="00" * 8))
    first = told(7200, "left", **USAGE)
    write(ledger, [first])
    said = {semconv.FALLBACK_TO: "a plain answer", semconv.JUDGED_SPAN_ID: first.span_id.hex()}
    ids = {"trace_id": first.trace_id, "span_id": b"judgment", "start_ns": first.end_ns, "end_ns": first.end_ns}
    ledger.write([], [make_span(said, kind=1, **ids)])
    model, plain = ledger.rows("fallbacks")
    assert (model["from_model"], model["to_model"], model["said"]) == ("gpt-5", "gpt-4.1", False)
    assert (model["calls"], model["cost_usd"]) == (CALLS, CALL_USD * CALLS)
    assert (plain["to_model"], plain["said"], plain["calls"]) == ("a plain answer", True, 1)
