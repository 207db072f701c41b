"""Retries, failures, waits and limits, as they happened below the call."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import anthropic
import openai
import pytest
from tests.instrument.test_calls import CHAT, MESSAGE, method
from tests.support.provider import clients_of

from spanledger import semconv

if TYPE_CHECKING:
    from tests.support.provider import Clients
    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator

KINDS = [pytest.param("chat.completions", CHAT, id="openai"), pytest.param("messages", MESSAGE, id="anthropic")]
SLOW_DOWN = {"status": 429, "headers": {"retry-after": "0.01"}}
BROKEN = {"status": 500, "headers": {"retry-after-ms": "5"}}


@pytest.mark.parametrize(("path", "request_"), KINDS)
def test_every_attempt_is_told(provider: Simulator, clients: Clients, spans: Spans, path: str, request_: Any) -> None:
    provider.script([SLOW_DOWN, BROKEN])
    method(clients, path, "create")(**request_)
    told = spans.one
    assert told[semconv.ATTEMPTS] == 3 == len(provider.requests)
    assert told[semconv.HTTP_RESEND_COUNT] == 2
    assert told[semconv.ATTEMPT_STATUSES] == (429, 500, 200)
    assert told[semconv.ATTEMPT_RETRY_AFTERS] == (0.01, 0.005, -1.0)
    assert told[semconv.ATTEMPT_WAITS][0] >= 0.01
    assert told[semconv.ATTEMPT_WAITS][2] == 0
    assert len(told[semconv.ATTEMPT_DURATIONS]) == len(told[semconv.ATTEMPT_ERRORS]) == 3


@pytest.mark.parametrize(("path", "request_"), KINDS)
def test_async_attempts_are_told_too(
    provider: Simulator, clients: Clients, spans: Spans, path: str, request_: Any
) -> None:
    provider.script([SLOW_DOWN])

    async def go() -> None:
        await method(clients, path, "create", asynchronous=True)(**request_)

    asyncio.run(go())
    assert spans.one[semconv.ATTEMPT_STATUSES] == (429, 200)
    assert spans.one[semconv.ATTEMPT_WAITS][0] >= 0.01


@pytest.mark.parametrize(("path", "request_"), KINDS)
def test_a_provider_error_is_the_sdks_and_is_told(
    provider: Simulator, clients: Clients, spans: Spans, path: str, request_: Any
) -> None:
    provider.script([{"status": 400}])
    with pytest.raises((openai.BadRequestError, anthropic.BadRequestError)):
        method(clients, path, "create")(**request_)
    told = spans.one
    assert (told[semconv.OUTCOME], told[semconv.ERROR_TYPE]) == ("error", "BadRequestError")
    assert (told[semconv.HTTP_STATUS], told[semconv.USAGE_GRADE]) == (400, "absent")
    assert spans.all[0].status.status_code.name == "ERROR"
    assert not spans.all[0].status.description
    assert not spans.all[0].events


def test_a_call_that_gave_up_tells_its_last_status(provider: Simulator, clients: Clients, spans: Spans) -> None:
    provider.script([SLOW_DOWN] * 3)
    with pytest.raises(openai.RateLimitError):
        clients.openai.chat.completions.create(**CHAT)
    told = spans.one
    assert told[semconv.ATTEMPT_STATUSES] == (429, 429, 429)
    assert told[semconv.ATTEMPT_RETRY_AFTERS] == (0.01, 0.01, 0.01)


@pytest.mark.parametrize(("path", "request_"), KINDS)
def test_a_timeout_has_no_status(provider: Simulator, spans: Spans, path: str, request_: Any) -> None:
    provider.script([{"delay": 5}, {"delay": 5}])
    with clients_of(provider, max_retries=1, timeout=0.2) as clients, pytest.raises(Exception) as caught:  # noqa: PT011
        method(clients, path, "create")(**request_)
    told = spans.one
    assert type(caught.value).__name__ == told[semconv.ERROR_TYPE] == "APITimeoutError"
    assert told[semconv.ATTEMPT_STATUSES] == (0, 0)
    assert told[semconv.ATTEMPT_ERRORS][0].endswith(("Timeout", "TimeoutError"))
    assert semconv.HTTP_STATUS not in told


def test_rate_limits_are_told(provider: Simulator, clients: Clients, spans: Spans) -> None:
    headers = {
        "x-ratelimit-limit-requests": "500",
        "X-RateLimit-Remaining-Tokens": "29000",
        "x-ratelimit-reset-tokens": "1s",
    }
    provider.script([{"headers": headers}, {"headers": {"anthropic-ratelimit-input-tokens-limit": "80000"}}])
    clients.openai.chat.completions.create(**CHAT)
    assert spans.one[semconv.RATE_LIMIT_PREFIX + "requests.limit"] == 500
    assert spans.one[semconv.RATE_LIMIT_PREFIX + "tokens.remaining"] == 29000
    spans.clear()
    clients.anthropic.messages.create(**MESSAGE)
    assert spans.one[semconv.RATE_LIMIT_PREFIX + "input_tokens.limit"] == 80000


def test_a_call_that_was_never_sent_is_not_in_the_ledger(provider: Simulator, clients: Clients, spans: Spans) -> None:
    with pytest.raises(TypeError):
        clients.openai.chat.completions.create()  # type: ignore[call-overload]
    assert not spans.all
    assert not provider.requests


def test_a_cancelled_call_is_cancelled(provider: Simulator, clients: Clients, spans: Spans) -> None:
    provider.script([{"delay": 5}])

    async def go() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(clients.openai_async.chat.completions.create(**CHAT), 1.0)

    asyncio.run(go())
    assert spans.one[semconv.OUTCOME] == "cancelled"
    assert spans.all[0].status.status_code.name == "UNSET"
