from tests.support.calls import make_call, make_span

from spanledger import semconv
from spanledger_collector.model import Usage
from spanledger_collector.pricing import Book

BOOK = Book()
AT = "2026-10-03T10:00:00Z"


def priced(number: int = 1, **fields):
    call = make_call(Usage(uncached_input=1000, output=100), AT, span_id=number.to_bytes(8, "big"), **fields)
    call.cost = BOOK.price(call)
    return call


def test_each_call_that_went_wrong_is_counted_once_by_the_first_kind_that_fits(ledger):
    invalid = priced(9, outcome="error", finish_reason="length")
    told = {semconv.OUTCOME: "error", semconv.VALIDATION_OUTCOME: "failed"}
    span = make_span(told, span_id=invalid.span_id, start_ns=invalid.start_ns, end_ns=invalid.start_ns)
    refused = make_call(None, AT, outcome="error", attempts=3)
    cut, retried = priced(finish_reason="max_tokens", attempts=2), priced(attempts=2)
    ledger.write([invalid, refused, priced(outcome="cancelled"), cut, retried, priced()], [span])
    rows = {row["kind"]: (row["calls"], row["cost_usd"]) for row in ledger.rows("waste")}
    one = priced().cost.total
    assert rows == {
        "invalid": (1, one), "failed": (1, None), "abandoned": (1, one), "truncated": (1, one), "retried": (1, one),
    }  # fmt: skip


def test_waste_can_be_split_by_feature(ledger):
    ledger.write([priced(feature="a", outcome="error"), priced(feature="b", outcome="error"), priced(feature="b")])
    assert [(row["key"], row["calls"]) for row in ledger.rows("waste", by="feature")] == [("a", 1), ("b", 1)]


def test_users_are_counted_once_and_calls_without_one_not_at_all(ledger):
    ledger.write([priced(user="ann"), priced(user="ann"), priced(user="bob"), priced()])
    (row,) = ledger.rows("users")
    assert (row["users"], row["calls"], row["cost_usd"]) == (2, 3, 3 * priced().cost.total)
