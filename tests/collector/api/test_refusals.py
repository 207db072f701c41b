"""Every refusal is JSON with a code, and a message that names the thing, the value and the remedy."""

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest
from tests.collector.api.conftest import TOKEN

from spanledger_collector.api.workers import THREADS, WAITING
from spanledger_collector.store import QueryRefused


def refusal(reply):
    error = reply.json()["error"]
    return reply.status_code, error["code"], error["message"]


@pytest.mark.parametrize(
    ("path", "status", "code", "named"),
    [
        ("/api/v1/query/total", 404, "unknown_query", "'total'; there are totals"),
        ("/api/v1/query/spend_by", 400, "bad_parameter", "'by' is missing"),
        ("/api/v1/query/totals?from=now", 400, "bad_parameter", "'from' cannot be 'now': use RFC 3339"),
        ("/api/v1/query/totals?format=xml", 400, "bad_parameter", "'xml': use json or arrow"),
        ("/api/v1/query", 404, "not_found", "/api/v1/openapi.json"),
        ("/", 404, "not_found", "nothing is at /"),
    ],
)
def test_what_cannot_be_answered_is_named_with_the_remedy(api, path, status, code, named):
    assert refusal(api.get(path))[:2] == (status, code)
    assert named in refusal(api.get(path))[2]


def test_nothing_can_be_written(api):
    reply = api.post("/api/v1/query/totals", json={})
    assert refusal(reply)[:2] == (405, "refused")
    assert "GET" in reply.headers["allow"]


def test_an_answer_past_a_limit_is_refused_with_how_to_ask_for_less(api, collector):
    def run_query(name, params):
        raise QueryRefused("time", "Code: 159")

    collector.run_query = run_query
    status, code, message = refusal(api.get("/api/v1/query/totals"))
    assert (status, code) == (422, "query_too_large")
    assert "more time" in message
    assert "from, to" in message


def test_a_failure_of_our_own_shows_no_detail_and_the_next_query_works(api, collector, ledger):
    def run_query(name, params):
        raise RuntimeError("secret path")

    collector.run_query = run_query
    status, code, message = refusal(api.get("/api/v1/query/totals"))
    assert (status, code) == (500, "internal")
    assert "secret" not in message
    collector.run_query = ledger.run
    assert api.get("/api/v1/query/totals").status_code == 200


def test_slow_queries_hold_up_neither_health_and_status_nor_pile_up_without_end(api, collector, ledger):
    started, release = threading.Semaphore(0), threading.Event()

    def run_query(name, params):
        started.release()
        release.wait(20)
        return ledger.run(name, params)

    collector.run_query = run_query
    with ThreadPoolExecutor(THREADS + WAITING + 1) as pool:
        replies = [pool.submit(api.get, "/api/v1/query/totals") for _ in range(THREADS + WAITING + 1)]
        assert all(started.acquire(timeout=10) for _ in range(THREADS))
        assert all(api.get(path).status_code == 200 for path in ("/healthz", "/readyz", "/metrics", "/api/v1/status"))
        refused = next(as_completed(replies, timeout=10)).result()
        release.set()
        statuses = sorted(reply.result().status_code for reply in replies)
    assert refusal(refused)[:2] == (503, "busy")
    assert refused.headers["retry-after"] == "2"
    assert statuses == [200] * (THREADS + WAITING) + [503]


@pytest.mark.parametrize("shown", ["", "Bearer wrong", f"Basic {TOKEN}", TOKEN])
@pytest.mark.parametrize("path", ["/api/v1/query/totals", "/api/v1/status", "/metrics", "/readyz", "/nowhere"])
def test_without_the_token_nothing_is_said(locked, path, shown):
    reply = locked.get(path, headers={"authorization": shown} if shown else {})
    assert refusal(reply)[:2] == (401, "unauthorized")
    assert reply.headers["www-authenticate"] == "Bearer"


def test_with_the_token_everything_is_answered_and_health_needs_none(locked):
    shown = {"authorization": f"Bearer {TOKEN}"}
    assert locked.get("/api/v1/query/totals", headers=shown).status_code == 200
    assert locked.get("/healthz").status_code == 200
