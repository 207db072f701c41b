"""instructor on top of the SDKs: its tries are structure, each paid reply is one bill."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.structure import CANARY, is_inside, one_bill_per_request, structure, told

import spanledger
from spanledger import semconv

instructor = pytest.importorskip("instructor")
pydantic = pytest.importorskip("pydantic")

if TYPE_CHECKING:
    from tests.support.provider import Clients
    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator


class Person(pydantic.BaseModel):  # type: ignore[name-defined,misc]
    name: str
    age: int


ASKED: dict[str, Any] = {
    "model": "gpt-4.1",
    "messages": [{"role": "user", "content": f"Who is {CANARY}?"}],
    "response_model": Person,
}
GOOD = {"text": f'{{"name": "{CANARY}", "age": 7}}'}
BAD = {"text": f'{{"name": "{CANARY}", "age": "{CANARY}"}}'}


def client(clients: Clients, *, asynchronous: bool = False, **options: Any) -> Any:
    sdk = clients.openai_async if asynchronous else clients.openai
    return instructor.from_openai(sdk, mode=instructor.Mode.JSON, **options)


def test_each_paid_try_is_one_bill_inside_one_structure_span(
    provider: Simulator, clients: Clients, spans: Spans
) -> None:
    provider.script([BAD, GOOD])
    assert client(clients).create(**ASKED, max_retries=2).model_dump() == {"name": CANARY, "age": 7}
    (create,) = structure(spans)
    paid = one_bill_per_request(spans, provider)
    assert len(paid) == 2
    assert all(is_inside(call, create) for call in paid)
    assert told(create)[semconv.TRY_OUTCOMES] == ("invalid", "ok")
    assert told(create)[semconv.TRY_FIELDS] == ("age:int_type", "")
    assert told(create)[semconv.VALIDATION_SCHEMA] == "Person"


def test_the_async_twin_tells_the_same(provider: Simulator, clients: Clients, spans: Spans) -> None:
    provider.script([BAD, GOOD])
    found = asyncio.run(client(clients, asynchronous=True).create(**ASKED, max_retries=2))
    assert found.age == 7
    (create,) = structure(spans)
    assert all(is_inside(call, create) for call in one_bill_per_request(spans, provider))
    assert told(create)[semconv.TRIES] == 2


def test_usage_summed_over_tries_is_counted_nowhere(provider: Simulator, clients: Clients, spans: Spans) -> None:
    provider.script([BAD, GOOD])
    _, reply = client(clients).create_with_completion(**ASKED, max_retries=2)
    billed = one_bill_per_request(spans, provider)
    summed = sum(told(call)[semconv.USAGE_OUTPUT_TOKENS] for call in billed)
    assert summed == reply.usage.completion_tokens
    assert all(told(call)[semconv.USAGE_OUTPUT_TOKENS] < summed for call in billed)


def test_giving_up_is_told_with_every_try(provider: Simulator, clients: Clients, spans: Spans) -> None:
    from instructor.core import InstructorRetryException

    provider.script([BAD, BAD])
    with pytest.raises(InstructorRetryException):
        client(clients).create(**ASKED, max_retries=1)
    (create,) = structure(spans)
    one_bill_per_request(spans, provider)
    assert told(create)[semconv.TRY_ERRORS] == ("ValidationError", "ValidationError")
    assert told(create)[semconv.VALIDATION_OUTCOME] == "failed"
    assert told(create)[semconv.ERROR_TYPE] == "InstructorRetryException"


def test_the_applications_own_hooks_hear_what_they_heard(provider: Simulator, clients: Clients, spans: Spans) -> None:
    heard: list[str] = []
    ours = client(clients)
    for name in ("completion:response", "parse:error"):
        ours.on(name, lambda *_, name=name: heard.append(name))
    provider.script([BAD, GOOD])
    ours.create(**ASKED, max_retries=2)
    assert heard == ["completion:response", "parse:error", "completion:response"]


def test_a_hit_of_its_cache_is_no_bill_and_tells_what_it_saved(
    provider: Simulator, clients: Clients, spans: Spans
) -> None:
    from instructor.cache import AutoCache

    ours = client(clients, cache=AutoCache(maxsize=10))
    provider.script([GOOD])
    first, again = ours.create(**ASKED), ours.create(**ASKED)
    assert first.model_dump() == again.model_dump()
    (paid,) = one_bill_per_request(spans, provider)
    (hit,) = [span for span in structure(spans) if semconv.CACHE_HIT in told(span)]
    saved = told(hit)[semconv.CACHE_SAVED_PREFIX + "output_tokens"]
    assert saved == told(paid)[semconv.USAGE_OUTPUT_TOKENS]


def test_without_instrumentation_it_is_as_it_was(provider: Simulator, clients: Clients, spans: Spans) -> None:
    from instructor.v2.core import patch

    spanledger.uninstrument()
    assert patch.retry_sync_v2.__class__.__name__ == "function"
    provider.script([GOOD])
    assert client(clients).create(**ASKED).name == CANARY
    assert not spans.all
