"""One call, one span, with the provider's own numbers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from tests.support.provider import QUESTION

from spanledger import semconv

if TYPE_CHECKING:
    from tests.support.provider import Clients
    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator

CHAT_USAGE = {
    "prompt_tokens": 1200,
    "completion_tokens": 150,
    "total_tokens": 1350,
    "prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 64, "audio_tokens": 0},
}
RESPONSES_USAGE = {
    "input_tokens": 1200,
    "output_tokens": 150,
    "total_tokens": 1350,
    "input_tokens_details": {"cached_tokens": 1024},
    "output_tokens_details": {"reasoning_tokens": 64},
}
MESSAGES_USAGE = {
    "input_tokens": 176,
    "cache_creation_input_tokens": 300,
    "cache_read_input_tokens": 1024,
    "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
    "output_tokens": 150,
    "service_tier": "standard",
}
CHAT = {"model": "gpt-4.1", "messages": QUESTION}
RESPONSE = {"model": "gpt-4.1", "input": "What is the canary's favourite colour?"}
MESSAGE = {"model": "claude-sonnet-5", "max_tokens": 500, "messages": QUESTION}


class Case(NamedTuple):
    """One method of an SDK, the provider's usage, and the tokens (input, output, cache read) of its bill."""

    path: str
    request: dict[str, Any]
    usage: dict[str, Any]
    tokens: tuple[int, int, int]


CALLS = [
    pytest.param(Case("chat.completions", CHAT, CHAT_USAGE, (1200, 150, 1024)), id="openai-chat"),
    pytest.param(Case("responses", RESPONSE, RESPONSES_USAGE, (1200, 150, 1024)), id="openai-responses"),
    pytest.param(Case("messages", MESSAGE, MESSAGES_USAGE, (1500, 150, 1024)), id="anthropic-messages"),
    pytest.param(Case("beta.messages", MESSAGE, MESSAGES_USAGE, (1500, 150, 1024)), id="anthropic-beta-messages"),
]


def method(clients: Clients, path: str, name: str, *, asynchronous: bool = False) -> Any:
    """`client.<path>.<name>` of the SDK that has it."""
    sdk = "anthropic" if "messages" in path else "openai"
    found = getattr(clients, f"{sdk}_async" if asynchronous else sdk)
    for part in [*path.split("."), name]:
        found = getattr(found, part)
    return found


def tokens(told: dict[str, Any]) -> tuple[int, int, int]:
    names = (semconv.USAGE_INPUT_TOKENS, semconv.USAGE_OUTPUT_TOKENS, semconv.USAGE_CACHE_READ)
    return tuple(told[name] for name in names)  # type: ignore[return-value]


@pytest.mark.parametrize("case", CALLS)
def test_a_call_leaves_one_span_with_the_providers_tokens(
    provider: Simulator, clients: Clients, spans: Spans, case: Case
) -> None:
    provider.script([{"usage": case.usage}])
    method(clients, case.path, "create")(**case.request)
    told = spans.one
    assert tokens(told) == case.tokens
    assert (told[semconv.OUTCOME], told[semconv.USAGE_GRADE]) == ("ok", "measured")


@pytest.mark.parametrize("case", CALLS)
def test_an_async_call_leaves_the_same_span(provider: Simulator, clients: Clients, spans: Spans, case: Case) -> None:
    provider.script([{"usage": case.usage}])
    create = method(clients, case.path, "create", asynchronous=True)

    async def go() -> None:
        await create(**case.request)

    asyncio.run(go())
    assert tokens(spans.one) == case.tokens


def test_the_span_names_what_was_asked_of_whom_and_what_came_back(clients: Clients, spans: Spans) -> None:
    reply = clients.openai.chat.completions.create(**CHAT, temperature=0.2, max_tokens=500, seed=7)
    told = spans.one
    assert spans.all[0].name == "chat gpt-4.1"
    assert told[semconv.PROVIDER_NAME] == "openai"
    assert (told[semconv.REQUEST_MODEL], told[semconv.RESPONSE_MODEL]) == ("gpt-4.1", reply.model)
    assert (told[semconv.REQUEST_TEMPERATURE], told[semconv.REQUEST_MAX_TOKENS], told[semconv.REQUEST_SEED]) == (
        0.2,
        500,
        7,
    )
    assert told[semconv.RESPONSE_ID] == reply.id
    assert told[semconv.RESPONSE_FINISH_REASONS] == ("stop",)
    assert told[semconv.SERVER_ADDRESS] == "127.0.0.1"
    assert told[semconv.OUTPUT_CHARS] == len(reply.choices[0].message.content or "")
    assert told[semconv.INPUT_CHARS] == len(QUESTION[0]["content"])


def test_embeddings_count_their_input_only(clients: Clients, spans: Spans) -> None:
    reply = clients.openai.embeddings.create(model="text-embedding-3-small", input=["a colour", "a canary"])
    told = spans.one
    assert told[semconv.OPERATION_NAME] == "embeddings"
    assert told[semconv.USAGE_INPUT_TOKENS] == reply.usage.prompt_tokens
    assert semconv.USAGE_OUTPUT_TOKENS not in told


def test_cache_writes_are_told_by_lifetime(provider: Simulator, clients: Clients, spans: Spans) -> None:
    provider.script([{"usage": MESSAGES_USAGE}])
    clients.anthropic.messages.create(**MESSAGE)
    told = spans.one
    assert (told[semconv.USAGE_CACHE_WRITE_5M], told[semconv.USAGE_CACHE_WRITE_1H]) == (100, 200)
    assert told[semconv.SERVICE_TIER] == "standard"


def test_compactions_are_in_the_bill(provider: Simulator, clients: Clients, spans: Spans) -> None:
    compaction = {
        "type": "compaction",
        "input_tokens": 10,
        "cache_read_input_tokens": 5,
        "cache_creation_input_tokens": 0,
        "output_tokens": 3,
    }
    provider.script([{"usage": MESSAGES_USAGE | {"iterations": [compaction]}}])
    clients.anthropic.beta.messages.create(**MESSAGE)
    assert tokens(spans.one) == (1515, 153, 1029)


def test_the_call_site_is_the_callers_line(clients: Clients, spans: Spans) -> None:
    clients.openai.chat.completions.create(**CHAT)
    told = spans.one
    assert told[semconv.CODE_FILE] == __file__
    assert "test_the_call_site_is_the_callers_line" in told[semconv.CODE_FUNCTION]


def test_configured_limits_are_told(clients: Clients, spans: Spans) -> None:
    clients.openai.with_options(max_retries=5).chat.completions.create(**CHAT, timeout=17)
    told = spans.one
    assert (told[semconv.REQUEST_TIMEOUT], told[semconv.REQUEST_MAX_RETRIES]) == (17.0, 5)


def test_equal_prompts_have_equal_fingerprints_and_others_do_not(clients: Clients, spans: Spans) -> None:
    for text in ("same", "same", "other"):
        clients.openai.chat.completions.create(model="gpt-4.1", messages=[{"role": "user", "content": text}])
    first, second, third = (span.attributes[semconv.FINGERPRINT_REQUEST] for span in spans.all)  # type: ignore[index]
    assert first == second != third


def test_the_span_joins_the_applications_trace(clients: Clients, spans: Spans) -> None:
    with spans.provider.get_tracer("app").start_as_current_span("request") as parent:
        clients.openai.chat.completions.create(**CHAT)
    call = spans.all[0]
    assert call.parent is not None
    assert call.parent.span_id == parent.get_span_context().span_id
