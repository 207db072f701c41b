"""Content never leaves: a canary in every place that content can be occurs nowhere in what is exported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest
from pydantic import BaseModel, ValidationError
from tests.instrument.test_calls import method
from tests.support.otlp_receiver import OtlpReceiver

import spanledger
from spanledger import _setup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.provider import Clients

    from spanledger_collector.demo.simulator import Simulator

CANARY = "CANARY-7f3a"
TOOL = {
    "type": "function",
    "function": {"name": f"tool_{CANARY}", "description": CANARY, "parameters": {"type": "object"}},
}
MESSAGES: list[Any] = [
    {"role": "system", "content": CANARY},
    {"role": "user", "content": [{"type": "text", "text": CANARY}]},
]
ARGUMENTS = {
    "chat.completions": {"model": "gpt-4.1", "messages": MESSAGES, "tools": [TOOL], "user": CANARY},
    "responses": {"model": "gpt-4.1", "input": CANARY, "instructions": CANARY},
    "messages": {"model": "claude-sonnet-5", "max_tokens": 9, "messages": MESSAGES[1:], "system": CANARY},
}


class Strict(BaseModel):
    number: int


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as running:
        monkeypatch.setenv("SPANLEDGER_ENDPOINT", running.url)
        spanledger.instrument()
        yield running
        spanledger.uninstrument()
        _setup.use_provider(None)


def exported(receiver: OtlpReceiver) -> bytes:
    _setup.destination().provider.force_flush()  # type: ignore[attr-defined]
    return b"".join(receiver.bodies)


@pytest.mark.parametrize("path", list(ARGUMENTS))
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_prompts_and_replies_are_not_exported(
    provider: Simulator, clients: Clients, receiver: OtlpReceiver, path: str, *, stream: bool
) -> None:
    provider.script([{"text": f"{CANARY} is the reply"}])
    reply = method(clients, path, "create")(**ARGUMENTS[path], **({"stream": True} if stream else {}))
    if stream:
        list(reply)
    body = exported(receiver)
    assert b"spanledger.outcome" in body
    assert CANARY.encode() not in body


def test_tool_arguments_are_not_exported(provider: Simulator, clients: Clients, receiver: OtlpReceiver) -> None:
    call = {"id": "1", "type": "function", "function": {"name": CANARY, "arguments": f'{{"a": "{CANARY}"}}'}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    provider.script(
        [{"body": {"id": "1", "object": "chat.completion", "model": "m", "created": 1, "choices": [choice]}}]
    )
    clients.openai.chat.completions.create(**ARGUMENTS["chat.completions"])  # type: ignore[call-overload]
    body = exported(receiver)
    assert b"tool_calls" in body
    assert CANARY.encode() not in body


def test_error_texts_are_not_exported(provider: Simulator, clients: Clients, receiver: OtlpReceiver) -> None:
    provider.script([{"status": 400, "body": {"error": {"message": CANARY, "code": "bad"}}}])
    with pytest.raises(openai.BadRequestError, match=CANARY):
        clients.openai.chat.completions.create(**ARGUMENTS["chat.completions"])  # type: ignore[call-overload]
    body = exported(receiver)
    assert b"BadRequestError" in body
    assert CANARY.encode() not in body


def test_validation_errors_are_not_exported(provider: Simulator, clients: Clients, receiver: OtlpReceiver) -> None:
    provider.script([{"text": f'{{"number": "{CANARY}"}}'}])
    with pytest.raises(ValidationError, match=CANARY):
        clients.openai.responses.parse(model="gpt-4.1", input=CANARY, text_format=Strict)
    body = exported(receiver)
    assert b"int_parsing" in body
    assert CANARY.encode() not in body


def test_our_own_faults_are_logged_without_content(
    clients: Clients, receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: Any) -> Any:
        raise RuntimeError(CANARY)

    monkeypatch.setattr("spanledger._call.rate_limits", fails)
    clients.openai.chat.completions.create(**ARGUMENTS["chat.completions"])  # type: ignore[call-overload]
    assert "RuntimeError" in caplog.text
    assert CANARY not in caplog.text
