"""Replies judged by the application: by one line of its own, or where it validates their text."""

from __future__ import annotations

import asyncio
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from tests.instrument.test_calls import CHAT, MESSAGE, RESPONSE
from tests.instrument.test_streams import WITH_USAGE

import spanledger
from spanledger import _replies, semconv

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from tests.support.provider import Clients
    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator


class Bird(BaseModel):
    name: str
    age: int


GOOD = '{"name": "Tweety", "age": 3}'
BAD = '{"name": "Tweety", "age": "CANARY-VALUE"}'


def judgement(spans: Spans) -> tuple[ReadableSpan, ReadableSpan, dict[str, Any]]:
    """The call, the span that judges it, and what that says."""
    call, judging = spans.all
    return call, judging, dict(judging.attributes or {})


def test_a_check_of_the_application_is_tied_to_the_last_call(clients: Clients, spans: Spans) -> None:
    reply = clients.openai.chat.completions.create(**CHAT)
    spanledger.validation("invoice totals", ok=False, fields=["total"], errors=["mismatch"])
    call, judging, told = judgement(spans)
    assert judging.name == "spanledger.validation"
    assert judging.parent is not None
    assert call.context is not None
    assert judging.parent.span_id == call.context.span_id
    assert told[semconv.JUDGED_SPAN_ID] == f"{call.context.span_id:016x}"
    assert told[semconv.JUDGED_RESPONSE_ID] == reply.id
    assert (told[semconv.VALIDATION_OUTCOME], told[semconv.VALIDATION_SCHEMA]) == ("failed", "invoice totals")
    assert (told[semconv.VALIDATION_FIELDS], told[semconv.VALIDATION_ERRORS]) == (("total",), ("mismatch",))
    assert told[semconv.VALIDATION_BY] == "application"


def test_a_fallback_is_tied_to_the_call_that_failed(provider: Simulator, clients: Clients, spans: Spans) -> None:
    provider.script([{"status": 400}])
    with pytest.raises(Exception, match="400"):
        clients.openai.chat.completions.create(**CHAT)
    spanledger.fallback("small model")
    call, judging, told = judgement(spans)
    assert (call.attributes or {})[semconv.OUTCOME] == "error"
    assert (judging.name, told[semconv.FALLBACK_TO]) == ("spanledger.fallback", "small model")


def test_a_stream_still_open_takes_the_judgement_itself(clients: Clients, spans: Spans) -> None:
    with clients.openai.chat.completions.create(**WITH_USAGE, stream=True) as stream:
        next(iter(stream))
        spanledger.validation("so far", ok=True)
    told = spans.one
    assert (told[semconv.VALIDATION_OUTCOME], told[semconv.VALIDATION_SCHEMA]) == ("ok", "so far")


def test_a_call_made_in_a_thread_is_found_by_its_trace(clients: Clients, spans: Spans) -> None:
    async def go() -> None:
        await asyncio.to_thread(clients.openai.chat.completions.create, **CHAT)
        spanledger.validation("totals", ok=True)

    with spans.provider.get_tracer("app").start_as_current_span("request"):
        asyncio.run(go())
    names = [span.name for span in spans.all]
    assert names == ["chat gpt-4.1", "spanledger.validation", "request"]


def test_nothing_to_judge_is_said_once_and_harmless(
    clients: Clients, spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    import contextvars

    contextvars.Context().run(spanledger.validation, "totals", ok=True)
    contextvars.Context().run(spanledger.validation, "totals", ok=True)
    assert not spans.all
    assert caplog.text.count("no call before it") == 1


@pytest.mark.parametrize("path", ["chat", "chat stream", "responses", "messages", "messages stream"])
def test_a_reply_that_the_application_validates_is_judged(
    provider: Simulator, clients: Clients, spans: Spans, path: str
) -> None:
    provider.script([{"text": BAD}])
    text = said(clients, path)
    assert text == BAD
    with pytest.raises(ValidationError):
        Bird.model_validate_json(text)
    call, _, told = judgement(spans)
    assert call.context is not None
    assert told[semconv.JUDGED_SPAN_ID] == f"{call.context.span_id:016x}"
    assert (told[semconv.VALIDATION_OUTCOME], told[semconv.VALIDATION_SCHEMA]) == ("failed", "Bird")
    assert (told[semconv.VALIDATION_FIELDS], told[semconv.VALIDATION_ERRORS]) == (("age",), ("int_parsing",))
    assert "CANARY" not in spans.text()


def said(clients: Clients, path: str) -> str:
    if path == "chat":
        return clients.openai.chat.completions.create(**CHAT).choices[0].message.content or ""
    if path == "chat stream":
        chunks = clients.openai.chat.completions.create(**WITH_USAGE, stream=True)
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    if path == "responses":
        return clients.openai.responses.create(**RESPONSE).output_text
    if path == "messages":
        return clients.anthropic.messages.create(**MESSAGE).content[0].text
    with clients.anthropic.messages.stream(**MESSAGE) as stream:
        return "".join(stream.text_stream)


def test_a_type_adapter_is_seen_and_success_is_told(provider: Simulator, clients: Clients, spans: Spans) -> None:
    provider.script([{"text": f"[{GOOD}]"}])
    text = said(clients, "chat")
    assert TypeAdapter(list[Bird]).validate_json(text.encode())[0].age == 3
    _, _, told = judgement(spans)
    assert told[semconv.VALIDATION_OUTCOME] == "ok"
    assert told[semconv.VALIDATION_BY] == "pydantic"


def test_other_texts_are_none_of_our_business(provider: Simulator, clients: Clients, spans: Spans) -> None:
    provider.script([{"text": GOOD}])
    said(clients, "chat")
    Bird.model_validate_json(GOOD.replace("3", "4"))  # as long as the reply, but not it
    Bird.model_validate_json('{"name": "Sam", "age": 30}', strict=True)
    assert len(spans.all) == 1


def test_pydantic_is_as_it_was_for_the_application(provider: Simulator, clients: Clients, spans: Spans) -> None:
    said(clients, "chat")
    assert pickle.loads(pickle.dumps(Bird.model_validate_json))(GOOD).name == "Tweety"
    with pytest.raises(TypeError):
        Bird.model_validate_json()  # type: ignore[call-arg]
    spanledger.uninstrument()
    assert not hasattr(BaseModel.__dict__["model_validate_json"].__func__, "__wrapped__")


def test_replies_remembered_are_bounded(clients: Clients, spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    clients.openai.chat.completions.create(**CHAT)
    monkeypatch.setattr(_replies, "_MOST", 3)
    monkeypatch.setattr(_replies, "_recent", {})
    _replies.remember(object(), [f"{'x' * n}" for n in range(2, 20)])  # type: ignore[arg-type]
    _replies.remember(object(), [f"text {n:03}" for n in range(20)])  # type: ignore[arg-type]
    assert sum(map(len, _replies._recent.values())) <= 2 * 3 + 3
