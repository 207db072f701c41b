"""Structured output: what was paid for is counted, whatever validation says, and no value leaves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, ValidationError
from tests.instrument.test_calls import (
    CHAT,
    CHAT_USAGE,
    MESSAGE,
    MESSAGES_USAGE,
    RESPONSE,
    RESPONSES_USAGE,
    Case,
    method,
    tokens,
)

from spanledger import semconv

if TYPE_CHECKING:
    from tests.support.provider import Clients
    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator


class Bird(BaseModel):
    name: str
    age: int
    colours: dict[str, int] = {}


GOOD = '{"name": "Tweety", "age": 3}'
BAD = '{"name": "Tweety", "age": "CANARY-VALUE", "colours": {"CANARY-KEY": "CANARY-VALUE"}}'
PARSES = [
    pytest.param(
        Case("chat.completions", CHAT | {"response_format": Bird}, CHAT_USAGE, (1200, 150, 1024)), id="openai-chat"
    ),
    pytest.param(
        Case("responses", RESPONSE | {"text_format": Bird}, RESPONSES_USAGE, (1200, 150, 1024)), id="openai-responses"
    ),
    pytest.param(
        Case("messages", MESSAGE | {"output_format": Bird}, MESSAGES_USAGE, (1500, 150, 1024)), id="anthropic"
    ),
    pytest.param(
        Case("beta.messages", MESSAGE | {"output_format": Bird}, MESSAGES_USAGE, (1500, 150, 1024)), id="beta"
    ),
]


def parse(clients: Clients, path: str, request: Any, *, asynchronous: bool) -> Any:
    called = method(clients, path, "parse", asynchronous=asynchronous)
    if not asynchronous:
        return called(**request)

    async def go() -> Any:
        return await called(**request)

    return asyncio.run(go())


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("case", PARSES)
def test_a_parsed_reply_is_one_measured_call(
    provider: Simulator, clients: Clients, spans: Spans, case: Case, *, asynchronous: bool
) -> None:
    provider.script([{"usage": case.usage, "text": GOOD}])
    parse(clients, case.path, case.request, asynchronous=asynchronous)
    told = spans.one
    assert tokens(told) == case.tokens
    assert told[semconv.OUTPUT_TYPE] == "json"
    assert (told[semconv.VALIDATION_OUTCOME], told[semconv.VALIDATION_SCHEMA]) == ("ok", "Bird")


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("case", PARSES)
def test_paid_tokens_survive_a_failed_validation(
    provider: Simulator, clients: Clients, spans: Spans, case: Case, *, asynchronous: bool
) -> None:
    provider.script([{"usage": case.usage, "text": BAD}])
    with pytest.raises(ValidationError):
        parse(clients, case.path, case.request, asynchronous=asynchronous)
    told = spans.one
    assert tokens(told) == case.tokens
    assert told[semconv.USAGE_GRADE] == "measured"
    assert (told[semconv.OUTCOME], told[semconv.ERROR_TYPE]) == ("error", "ValidationError")
    assert told[semconv.HTTP_STATUS] == 200


def test_failing_fields_are_named_without_their_values(provider: Simulator, clients: Clients, spans: Spans) -> None:
    provider.script([{"text": BAD}])
    with pytest.raises(ValidationError):
        parse(clients, "chat.completions", CHAT | {"response_format": Bird}, asynchronous=False)
    told = spans.one
    assert told[semconv.VALIDATION_OUTCOME] == "failed"
    assert told[semconv.VALIDATION_FIELDS] == ("age", "colours.*")
    assert told[semconv.VALIDATION_ERRORS] == ("int_parsing", "int_parsing")
    assert "CANARY" not in spans.text()
