"""Who is let in, and who is told what to do instead."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from spanledger_collector.access import Tokens, guarded


def get(path: str, token: str, tokens: Tokens | None = None, **headers: str) -> httpx.Response:
    routes = [Route(name, lambda _: PlainTextResponse("in")) for name in ("/ledger", "/healthz")]
    transport = httpx.ASGITransport(app=guarded(Starlette(routes=routes), tokens or Tokens(token)))

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:4319") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(ask())


@pytest.mark.parametrize("host", ["127.0.0.1:4319", "localhost", "LOCALHOST:1", "[::1]:4319", "127.8.8.8"])
def test_this_machine_needs_no_token_when_none_is_set(host: str) -> None:
    assert get("/ledger", "", host=host).text == "in"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:4319", "192.168.1.4", "[fe80::1]:4319"])
def test_a_name_pointed_at_this_machine_is_refused_by_name(host: str) -> None:
    answer = get("/ledger", "", host=host)
    assert answer.status_code == 403
    assert host in answer.json()["error"]["message"]


def test_the_token_opens_any_host_and_nothing_else_does() -> None:
    assert get("/ledger", "s3cret", host="ledger.internal", authorization="Bearer s3cret").text == "in"
    for wrong in ("Bearer s3cre", "Basic s3cret", "", "Bearer"):
        answer = get("/ledger", "s3cret", authorization=wrong)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_liveness_is_open() -> None:
    assert get("/healthz", "s3cret", host="anything").text == "in"


@pytest.mark.parametrize(
    ("token", "right", "verdict"),
    [
        ("all", "ingest", "allowed"),
        ("new", "admin", "allowed"),
        ("in", "ingest", "allowed"),
        ("in", "read", "other_scope"),
        ("eyes", "read", "allowed"),
        ("eyes", "admin", "other_scope"),
        ("eyes", "ingest", "other_scope"),
        ("boss", "read", "allowed"),
        ("none", "read", "unknown"),
        ("", "read", "unknown"),
        ("in,all", "ingest", "unknown"),
    ],
)
def test_a_token_opens_its_scope_and_no_other(token: str, right: Any, verdict: str) -> None:
    tokens = Tokens("all, new", ingest="in", read="eyes", admin="boss")
    assert tokens.judge(f"Bearer {token}", right) == verdict


def test_a_token_of_another_scope_is_told_which_one_is_needed() -> None:
    answer = get("/ledger", "", tokens=Tokens(ingest="in", read="eyes"), authorization="Bearer in")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "other_scope")
    assert "SPANLEDGER_READ_TOKEN" in answer.json()["error"]["message"]


def test_no_secret_is_shown_by_printing_the_settings() -> None:
    assert "s3cret" not in repr(Tokens("s3cret", "s3cret", "s3cret", "s3cret"))
