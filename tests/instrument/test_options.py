"""What is off until it is asked for: usage of streams, content."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.instrument.test_calls import CHAT, MESSAGE, RESPONSE

import spanledger
from spanledger import semconv, settings

if TYPE_CHECKING:
    from tests.support.provider import Clients
    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator

CONTENT = (semconv.INPUT_MESSAGES, semconv.OUTPUT_MESSAGES, semconv.SYSTEM_INSTRUCTIONS, semconv.TOOL_DEFINITIONS)


@pytest.fixture
def ask(spans: Spans, monkeypatch: pytest.MonkeyPatch) -> Any:
    def asking(name: str, value: str) -> None:
        monkeypatch.setenv(name, value)
        spanledger.instrument(tracer_provider=spans.provider)

    return asking


def dumped(pieces: list[Any]) -> list[dict[str, Any]]:
    same = ("id", "created")
    return [{k: v for k, v in piece.model_dump(exclude_unset=True).items() if k not in same} for piece in pieces]


def test_usage_is_asked_for_and_its_chunk_kept_from_the_application(
    provider: Simulator, clients: Clients, spans: Spans, ask: Any
) -> None:
    provider.script([{"text": "red"}, {"text": "red"}, {"text": "red"}])
    plain = list(clients.openai.chat.completions.create(**CHAT, stream=True))
    assert spans.one[semconv.USAGE_GRADE] == "absent"
    spans.clear()
    ask("SPANLEDGER_STREAM_USAGE", "1")
    asked = list(clients.openai.chat.completions.create(**CHAT, stream=True))
    assert json.loads(provider.requests[-1].body)["stream_options"] == {"include_usage": True}
    assert spans.one[semconv.USAGE_GRADE] == "measured"
    assert spans.one[semconv.USAGE_INPUT_TOKENS] > 0
    spans.clear()

    async def go() -> list[Any]:
        stream = await clients.openai_async.chat.completions.create(**CHAT, stream=True)
        return [piece async for piece in stream]

    asynchronous = asyncio.run(go())
    assert spans.one[semconv.USAGE_GRADE] == "measured"
    assert dumped(plain) == dumped(asked) == dumped(asynchronous)


def test_usage_that_the_application_asked_for_or_refused_stays_its_own(
    provider: Simulator, clients: Clients, spans: Spans, ask: Any
) -> None:
    ask("SPANLEDGER_STREAM_USAGE", "1")
    for wanted in (True, False):
        options = {"include_usage": wanted}
        pieces = list(clients.openai.chat.completions.create(**CHAT, stream=True, stream_options=options))  # type: ignore[call-overload]
        assert json.loads(provider.requests[-1].body)["stream_options"] == options
        assert bool(pieces[-1].usage) is wanted


def test_nothing_but_streams_of_chat_is_asked_for_usage(
    provider: Simulator, clients: Clients, spans: Spans, ask: Any
) -> None:
    ask("SPANLEDGER_STREAM_USAGE", "1")
    clients.openai.chat.completions.create(**CHAT)
    list(clients.openai.responses.create(**RESPONSE, stream=True))
    clients.openai.chat.completions.with_raw_response.create(**CHAT, stream=True).parse().close()
    assert all(b"stream_options" not in request.body for request in provider.requests)


def test_the_stream_manager_sees_no_usage_either(provider: Simulator, clients: Clients, spans: Spans, ask: Any) -> None:
    ask("SPANLEDGER_STREAM_USAGE", "1")
    with clients.openai.chat.completions.stream(**CHAT) as stream:
        assert stream.get_final_completion().usage is None
    assert spans.one[semconv.USAGE_GRADE] == "measured"


@pytest.mark.parametrize("value", ["", "false", "no_content", "event_only"])
def test_content_is_not_captured_unless_asked(clients: Clients, spans: Spans, ask: Any, value: str) -> None:
    ask(settings.CONTENT, value)
    clients.openai.chat.completions.create(**CHAT)
    assert not set(CONTENT) & set(spans.one)


@pytest.mark.parametrize("value", ["true", "SPAN_ONLY", "span_and_event"])
def test_content_is_captured_in_the_conventions_form(
    provider: Simulator, clients: Clients, spans: Spans, ask: Any, value: str
) -> None:
    ask(settings.CONTENT, value)
    provider.script([{"text": "red"}])
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    messages: Any = [
        {"role": "user", "content": [{"type": "text", "text": "Which colour?"}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "reddish"},
    ]
    tool: Any = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    clients.openai.chat.completions.create(model="gpt-4.1", messages=messages, tools=[tool])
    asked, said, _, tools = (json.loads(spans.one.get(key, "null")) for key in CONTENT)
    assert asked == [
        {"role": "user", "parts": [{"type": "text", "content": "Which colour?"}]},
        {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "look", "arguments": "{}"}]},
        {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "id": "c1", "response": [{"type": "text", "content": "reddish"}]}],
        },
    ]
    assert said == [{"role": "assistant", "parts": [{"type": "text", "content": "red"}]}]
    assert tools == [tool]


def test_system_prompts_and_streamed_replies_are_captured_too(
    provider: Simulator, clients: Clients, spans: Spans, ask: Any
) -> None:
    ask(settings.CONTENT, "true")
    provider.script([{"text": "red"}])
    list(clients.anthropic.messages.create(**MESSAGE, system="Be brief", stream=True))
    told = spans.one
    assert json.loads(told[semconv.SYSTEM_INSTRUCTIONS]) == [{"type": "text", "content": "Be brief"}]
    assert json.loads(told[semconv.OUTPUT_MESSAGES])[0]["parts"] == [{"type": "text", "content": "red"}]


def test_a_value_nobody_knows_turns_recording_off_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SPANLEDGER_METRICS", "newest")
    spanledger.instrument()
    assert "SPANLEDGER_METRICS='newest' is not known; write it like latest,legacy, or none" in caplog.text
