"""What changes something over HTTP: taken, refused with the remedy, described."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient
from tests.support.traffic import told, write

from spanledger_collector.access import Tokens, guarded
from spanledger_collector.api import Action, create_app
from spanledger_collector.api.finding_actions import finding_actions
from spanledger_collector.detect import Detectors

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def app(ledger: Any) -> Any:
    write(ledger, [told(60, f"c{number}", request_model="nova-1", usage_input_tokens=5) for number in range(3)])
    detectors = Detectors(run_query=ledger.run, save=ledger.store.insert, failed=pytest.fail)
    detectors.tick(datetime.now(timezone.utc))
    return create_app(
        run_query=ledger.run,
        status=dict,
        metrics=str,
        ready=str,
        version="1",
        actions=finding_actions(detectors),
    )


@pytest.fixture
def client(app: Any) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_a_decision_is_kept_with_who_took_it(client: TestClient, ledger: Any) -> None:
    (found,) = ledger.rows("findings")
    reply = client.post(f"/api/v1/findings/{found['id']}", json={"status": "dismissed", "by": "ada", "note": "a test"})
    assert reply.status_code == 200
    assert reply.json()["status"] == "dismissed"
    (row,) = ledger.rows("findings")
    assert (row["status"], row["decided_by"], row["decision_note"]) == ("dismissed", "ada", "a test")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"status": "gone", "by": "ada"}', "status cannot be 'gone': use one of open, accepted, fixed, dismissed"),
        (b'{"status": "fixed"}', "'by' is empty"),
        (b"[1]", "the body is a JSON list: send one object"),
        (b"{", "the body is no JSON"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_remedy(
    client: TestClient, ledger: Any, body: bytes, says: str
) -> None:
    (found,) = ledger.rows("findings")
    reply = client.post(f"/api/v1/findings/{found['id']}", content=body)
    assert reply.status_code == 400
    assert says in reply.json()["error"]["message"]
    assert ledger.rows("findings")[0]["status"] == "open"


def test_a_finding_that_is_not_there(client: TestClient) -> None:
    reply = client.post("/api/v1/findings/nothing", json={"status": "fixed", "by": "ada"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "not_found")


def test_a_reader_may_not_decide(app: Any) -> None:
    with TestClient(guarded(app, Tokens(read="r", admin="a"))) as client:
        body = {"status": "fixed", "by": "ada"}
        assert client.post("/api/v1/findings/x", json=body, headers={"authorization": "Bearer r"}).status_code == 403
        assert client.post("/api/v1/findings/x", json=body, headers={"authorization": "Bearer a"}).status_code == 404


def test_a_token_is_told_what_it_opens(app: Any) -> None:
    with TestClient(guarded(app, Tokens(read="r", admin="a", ingest="i"))) as client:
        opened = {token: client.get("/api/v1/rights", headers={"authorization": f"Bearer {token}"}) for token in "rai"}
    assert opened["r"].json() == {"rights": ["read"], "token_needed": True}
    assert opened["a"].json() == {"rights": ["ingest", "read", "admin"], "token_needed": True}
    assert opened["i"].status_code == 403


def test_without_tokens_everything_is_open_and_none_is_needed(app: Any) -> None:
    with TestClient(guarded(app, Tokens()), base_url="http://127.0.0.1") as client:
        assert client.get("/api/v1/rights").json() == {"rights": ["ingest", "read", "admin"], "token_needed": False}


def test_actions_are_described(client: TestClient) -> None:
    described = client.get("/api/v1/openapi.json").json()["paths"]["/api/v1/findings/{id}"]["post"]
    assert described["summary"].startswith("Decide about a finding")
    assert [parameter["name"] for parameter in described["parameters"]] == ["id"]


def test_money_in_an_answer_is_an_exact_text() -> None:
    action = Action("POST", "/x", "", lambda *_: {"usd": Decimal("0.10"), "none": Decimal(0)})
    app = create_app(run_query=pytest.fail, status=dict, metrics=str, ready=str, version="1", actions=[action])
    with TestClient(app) as client:
        assert client.post("/api/v1/x").json() == {"usd": "0.1", "none": "0"}
