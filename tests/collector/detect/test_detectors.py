from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from tests.support.calls import make_call, make_span

from spanledger_collector.detect import DETECTORS, Detectors
from spanledger_collector.detect.finding import Detector
from spanledger_collector.model import Cost, Usage

NOW = datetime(2026, 11, 2, 13, tzinfo=timezone.utc)
UNLISTED = Cost(total=None, price="acme/nova-1@unlisted", reason="no price for model 'nova-1' at acme")
TOKENS = Usage(uncached_input=1000, output=234)


@pytest.fixture
def detectors(ledger):
    return Detectors(run_query=ledger.run, save=ledger.store.insert, failed=pytest.fail)


def nova(**fields):
    call = make_call(fields.pop("usage", TOKENS), provider="acme", model="nova-1", cost=UNLISTED, **fields)
    call.start_ns += 123_456_789  # real clocks are finer than Python's
    return call


def number(index: int) -> bytes:
    return index.to_bytes(16, "big")


def retried(index: int, attempts: int, **fields):
    """A call and its span: every attempt took 0.5 s and waited 1 s for the next, and no two came back together."""
    ids = {"trace_id": number(index + 1), "span_id": number(index + 1)[8:]}
    attributes = {
        "spanledger.outcome": "ok",
        "spanledger.attempt.statuses": [429] * (attempts - 1) + [200],
        "spanledger.attempt.durations": [0.5] * attempts,
        "spanledger.attempt.waits": [1.0] * (attempts - 1) + [0.0],
    }
    call = make_call(TOKENS, attempts=attempts, **ids, **fields)
    call.start_ns += index * 30 * 10**9
    return call, make_span(attributes, **ids)


def write(ledger, pairs):
    calls, spans = zip(*pairs, strict=True)
    ledger.write(calls, spans)


def test_clean_traffic_has_no_findings(ledger, detectors):
    ledger.write([make_call(TOKENS, cost=Cost(total=0, grade="measured", price="p")) for _ in range(100)])
    detectors.tick(NOW)
    assert ledger.rows("findings") == []


def test_unpriced_model_is_found_without_a_claim_of_savings(ledger, detectors):
    ledger.write([nova(service="shop", trace_id=number(7)), nova(service="mail", trace_id=number(7))])
    detectors.tick(NOW)
    (found,) = ledger.rows("findings")
    assert (found["detector"], found["category"], found["model"]) == ("D31", "data_quality", "nova-1")
    assert found["title"] == "2,468 tokens of nova-1 have no known cost"
    assert "2 calls to acme from mail, shop used 2,000 input and 468 output tokens" in found["why"]
    assert (found["money_usd"], found["money_grade"]) == (None, "none")
    assert found["trace_ids"] == [number(7).hex()] * 2


def test_the_fix_is_a_price_line_refused_until_it_has_numbers(ledger, detectors, tmp_path):
    from spanledger_collector.pricing import Book, PriceFileError

    ledger.write([nova()])
    detectors.tick(NOW)
    snippet = ledger.rows("findings")[0]["snippet"]
    prices = tmp_path / "prices.toml"
    prices.write_text(snippet)
    with pytest.raises(PriceFileError, match="'input' is '\\?'"):
        Book(prices)
    prices.write_text(snippet.replace('"?"', '"2"'))
    assert Book(prices).price(nova()).total == Decimal("0.002468")


def test_calls_without_tokens_or_with_contradicting_ones_are_no_missing_price(ledger, detectors):
    contradiction = Cost(total=None, reason="the reported tokens contradict one another")
    ledger.write([nova(usage=None), nova(usage=Usage()), make_call(TOKENS, cost=contradiction)])
    detectors.tick(NOW)
    assert ledger.rows("findings") == []


def test_retry_amplification_counts_repeats_and_their_time(ledger, detectors):
    write(ledger, [retried(index, 1 + 2 * (index % 2)) for index in range(20)])
    detectors.tick(NOW)
    (found,) = ledger.rows("findings")
    assert (found["detector"], found["service"], found["model"]) == ("D12", "checkout", "gpt-4.1")
    assert found["title"] == "1 call to gpt-4.1 becomes 2.0 requests"
    assert "20 calls sent 40 requests: 20 were repeats, spread over 10 calls, of which 0 failed" in found["why"]
    assert "20 requests were refused for their rate (429)" in found["why"]
    assert "took 30.0 s." in found["why"]
    assert found["money_usd"] is None


def test_retry_time_is_said_to_be_unknown_where_no_attempt_was_timed(ledger, detectors):
    ledger.write([make_call(TOKENS, attempts=2) for _ in range(20)])
    detectors.tick(NOW)
    assert "How long the repeats took was not reported." in ledger.rows("findings")[0]["why"]


@pytest.mark.parametrize(
    "attempts",
    [[3] * 19, [1] * 21 + [50], [1] * 16 + [3] * 4, [1, 2] * 20],
    ids=["too few calls", "one call retried often", "too few retried calls", "exactly the threshold"],
)
def test_retries_without_enough_evidence_stay_silent(ledger, detectors, attempts):
    ledger.write([make_call(TOKENS, attempts=number) for number in attempts])
    detectors.tick(NOW)
    assert ledger.rows("findings") == []


def test_a_finding_seen_again_keeps_its_first_sight(ledger, detectors):
    ledger.write([nova()])
    detectors.tick(NOW)
    ledger.write([nova()])
    detectors.tick(NOW + timedelta(minutes=1))
    (found,) = ledger.rows("findings")
    assert (found["first_seen"], found["last_seen"]) == (NOW, NOW + timedelta(minutes=1))
    assert found["title"].startswith("2,468 tokens")


def test_what_is_no_longer_found_is_cleared_and_opens_again(ledger, detectors):
    ledger.write([nova()])
    detectors.tick(NOW)
    detectors.tick(NOW + timedelta(days=40))
    assert ledger.rows("findings") == []
    assert ledger.rows("findings", status="any")[0]["status"] == "cleared"
    ledger.write([nova(at="2026-12-12T12:00:00Z")])
    detectors.tick(NOW + timedelta(days=41))
    (found,) = ledger.rows("findings", status="any")
    assert (found["status"], found["first_seen"]) == ("open", NOW)


def test_a_failing_detector_is_counted_and_silences_no_other(ledger):
    def fail(ask, window):
        raise RuntimeError("no such column")

    failures: list[str] = []
    detectors = Detectors(
        run_query=ledger.run,
        save=ledger.store.insert,
        failed=failures.append,
        detectors=(Detector("D99", timedelta(days=1), fail), *DETECTORS),
    )
    ledger.write([nova()])
    detectors.tick(NOW)
    assert failures == ["D99"]
    assert [row["detector"] for row in ledger.rows("findings")] == ["D31"]


def test_findings_can_be_narrowed_and_keep_those_of_every_service(ledger, detectors):
    write(ledger, [retried(index, 3) for index in range(20)])
    ledger.write([nova()])
    detectors.tick(NOW)
    assert [row["detector"] for row in ledger.rows("findings", service="mail")] == ["D31"]
    assert {row["detector"] for row in ledger.rows("findings", service="checkout")} == {"D12", "D31"}
