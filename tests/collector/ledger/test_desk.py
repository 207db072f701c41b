"""What can be done with the ledger over its API, answered by a real store."""

from __future__ import annotations

from decimal import Decimal

import pytest
from starlette.testclient import TestClient
from tests.support.calls import make_call

from spanledger_collector.api import create_app
from spanledger_collector.api.ledger_actions import ledger_actions
from spanledger_collector.ledger.desk import Desk
from spanledger_collector.model import Usage
from spanledger_collector.pricing import Book

LINE = {"provider": "openai", "model": "gpt-4.1", "input": "1", "output": "4", "from": "2026-11-01"}
SPAN, TRACE = (b"s" * 8).hex(), (b"t" * 16).hex()


@pytest.fixture
def book():
    return Book()


@pytest.fixture
def api(ledger, book):
    desk = Desk(ledger.run, ledger.store, book)
    app = create_app(
        run_query=ledger.run,
        status=dict,
        metrics=str,
        ready=str,
        version="1",
        actions=ledger_actions(desk),
    )
    with TestClient(app, base_url="http://127.0.0.1/api/v1") as client:
        yield client


@pytest.fixture
def call(ledger, book):
    one = make_call(Usage(uncached_input=1000, output=100))
    one.cost = book.price(one)
    ledger.write([one])
    return one


@pytest.mark.parametrize("name", [SPAN, TRACE, f"{TRACE}:{SPAN}"])
def test_a_call_is_explained_by_its_ids(api, call, name):
    found = api.get(f"/explain/{name}").json()["calls"]
    assert [(one["cost_usd"], one["grade"], one["differs"]) for one in found] == [("0.0028", "measured", False)]
    assert (
        "uncached input 1000 x $2/M = $0.002 ; output 100 x $8/M = $0.0008 ; total = $0.0028" in found[0]["explanation"]
    )


def test_a_call_that_is_not_there_is_named(api):
    assert api.get(f"/explain/{SPAN}").status_code == 404
    reply = api.get("/explain/nonsense")
    assert (reply.status_code, "give a trace id" in reply.json()["error"]["message"]) == (400, True)


def test_a_quote_is_what_a_call_would_cost(api):
    usage = {"prompt_tokens": 1000, "completion_tokens": 100}
    body = {"id": "q", "provider": "openai", "model": "gpt-4.1", "timestamp": "2026-11-02T00:00:00Z", "usage": usage}
    assert api.post("/quote", json=body).json()["cost_usd"] == "0.0028"


def test_a_price_line_holds_at_once_and_after_a_restart(api, book, call, ledger):
    assert api.put("/prices/lines/contract", json=LINE).status_code == 200
    assert book.price(call).total == Decimal("0.0014")
    restarted = Book()
    Desk(ledger.run, ledger.store, restarted).price_lines.load()
    assert restarted.price(call).total == Decimal("0.0014")
    assert [line["id"] for line in api.get("/prices/lines").json()["lines"]] == ["contract"]
    assert api.get(f"/explain/{SPAN}").json()["calls"][0]["differs"] is True


def test_a_price_line_can_be_taken_back(api, book, call):
    api.put("/prices/lines/contract", json=LINE)
    assert api.delete("/prices/lines/contract").status_code == 200
    assert book.price(call).total == Decimal("0.0028")
    assert api.delete("/prices/lines/contract").status_code == 404


def test_a_price_line_that_cannot_be_used_is_refused_with_the_remedy(api, book, call):
    reply = api.put("/prices/lines/contract", json=LINE | {"input": "cheap"})
    assert reply.status_code == 400
    assert "price line 'contract': 'input' is 'cheap'; write an amount" in reply.json()["error"]["message"]
    assert book.price(call).total == Decimal("0.0028")


def test_days_are_priced_again_over_the_api(api, call, ledger):
    api.put("/prices/lines/contract", json=LINE)
    days = {"from": "2026-11-01", "to": "2026-11-04"}
    preview = api.post("/reprice", json=days).json()["days"]
    assert [(one["day"], one["changed_calls"], one["before"], one["after"]) for one in preview] == [
        ("2026-11-02", 1, "0.0028", "0.0014")
    ]
    assert ledger.rows("totals")[0]["cost_usd"] == Decimal("0.0028")
    api.post("/reprice", json=days | {"apply": True, "restate": True, "reason": "contract"})
    assert ledger.rows("totals")[0]["cost_usd"] == Decimal("0.0014")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"from": "yesterday", "to": "2026-11-04"}, "'from' is 'yesterday'; write a UTC day"),
        ({"from": "2026-11-04", "to": "2026-11-04"}, "must be after"),
        ({"from": "2026-11-01", "to": "2026-11-04", "apply": True}, "'reason' is missing"),
    ],
)
def test_a_request_that_cannot_be_used_says_why(api, body, problem):
    reply = api.post("/reprice", json=body)
    assert (reply.status_code, problem in reply.json()["error"]["message"]) == (400, True)
