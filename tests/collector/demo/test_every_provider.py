"""What a script can say, it can say to every provider: told over plain HTTP, without any SDK."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from http.client import IncompleteRead

import pytest

from spanledger_collector.demo.simulator import Simulator

TURNS = [{"role": "user", "content": "Hello"}]
PARTS = [{"role": "user", "content": [{"text": "Hello"}]}]
OPENAI = {"model": "m", "messages": TURNS}
GEMINI = {"contents": [{"parts": [{"text": "Hello"}]}]}
MESSAGE = {"model": "m", "message": "Hello"}
CLAUDE = {**OPENAI, "max_tokens": 99}
INVOKED = {"messages": TURNS, "max_tokens": 99, "anthropic_version": "1"}
STREAM = {"stream": True}
PROJECT = "/v1/projects/p/locations/l/publishers/google/models/m"
PLAIN = [
    ("openai", "/chat/completions", OPENAI),
    ("openai", "/responses", {"model": "m", "input": "Hello"}),
    ("openai", "/completions", {"model": "m", "prompt": "Hello", "max_tokens": 99}),
    ("azure", "/openai/deployments/m/chat/completions?api-version=1", OPENAI),
    ("compatible-null-usage", "/chat/completions", OPENAI),
    ("anthropic", "/v1/messages", CLAUDE),
    ("gemini", "/v1beta/models/m:generateContent", GEMINI),
    ("vertex", f"{PROJECT}:generateContent", GEMINI),
    ("mistral", "/v1/chat/completions", OPENAI),
    ("mistral", "/v1/fim/completions", {"model": "m", "prompt": "Hello"}),
    ("mistral", "/v1/agents/completions", {"agent_id": "a", "messages": TURNS}),
    ("mistral", "/v1/conversations", {"model": "m", "inputs": "Hello"}),
    ("cohere", "/v1/chat", MESSAGE),
    ("cohere", "/v1/generate", {"model": "m", "prompt": "Hello"}),
    ("cohere", "/v2/chat", OPENAI),
    ("groq", "/openai/v1/chat/completions", OPENAI),
    ("ollama", "/api/chat", {**OPENAI, "stream": False}),
    ("ollama", "/api/generate", {"model": "m", "prompt": "Hello", "stream": False}),
    ("bedrock", "/model/m/converse", {"messages": PARTS}),
    ("bedrock", "/model/m/invoke", INVOKED),
]
STREAMED = [
    ("openai", "/chat/completions", {**OPENAI, **STREAM}),
    ("openai", "/completions", {"model": "m", "prompt": "Hello", "max_tokens": 999, **STREAM}),
    ("azure", "/openai/deployments/m/chat/completions?api-version=1", {**OPENAI, **STREAM}),
    ("compatible-running-usage", "/chat/completions", {**OPENAI, **STREAM}),
    ("anthropic", "/v1/messages", {**CLAUDE, **STREAM}),
    ("gemini", "/v1beta/models/m:streamGenerateContent?alt=sse", GEMINI),
    ("vertex", f"{PROJECT}:streamGenerateContent?alt=sse", GEMINI),
    ("mistral", "/v1/chat/completions", {**OPENAI, **STREAM}),
    ("mistral", "/v1/conversations", {"model": "m", "inputs": "Hello", **STREAM}),
    ("cohere", "/v1/chat", {**MESSAGE, **STREAM}),
    ("cohere", "/v1/generate", {"model": "m", "prompt": "Hello", **STREAM}),
    ("cohere", "/v2/chat", {**OPENAI, **STREAM}),
    ("groq", "/openai/v1/chat/completions", {**OPENAI, **STREAM}),
    ("ollama", "/api/chat", OPENAI),
    ("bedrock", "/model/m/converse-stream", {"messages": PARTS}),
]
NO_TOOLS = ("/completions", "/v1/fim/completions", "/v1/generate", "/api/generate")
KEYLESS = ("ollama", "compatible")


def ask(simulator, name, path, body, key="sk-test"):
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    address = simulator.base_urls[name] + path
    return urllib.request.urlopen(urllib.request.Request(address, json.dumps(body).encode(), headers))


plain = pytest.mark.parametrize(("name", "path", "body"), PLAIN)
streamed = pytest.mark.parametrize(("name", "path", "body"), STREAMED)
with_tools = pytest.mark.parametrize(("name", "path", "body"), [each for each in PLAIN if each[1] not in NO_TOOLS])


@pytest.fixture(scope="module")
def _running():
    with Simulator() as running:
        yield running


@pytest.fixture
def simulator(_running):
    _running.clear()
    return _running


@plain
def test_a_text_is_told(simulator, name, path, body):
    simulator.script([{"text": "canary-yellow"}])
    assert b"canary-yellow" in ask(simulator, name, path, body).read()


@plain
def test_a_usage_is_told_as_written(simulator, name, path, body):
    simulator.script([{"usage": {"peculiar_tokens": 31_337}}])
    assert (b'"peculiar_tokens":31337' in ask(simulator, name, path, body).read()) == (name != "compatible-null-usage")


@plain
def test_a_body_is_sent_as_written(simulator, name, path, body):
    simulator.script([{"body": {"anything": [1]}, "headers": {"x-scripted": "yes"}}])
    reply = ask(simulator, name, path, body)
    assert (json.load(reply), reply.headers["x-scripted"]) == ({"anything": [1]}, "yes")


@plain
def test_a_status_comes_with_the_providers_error(simulator, name, path, body):
    simulator.script([{"status": 429, "delay": 0.01}])
    with pytest.raises(urllib.error.HTTPError) as raised:
        ask(simulator, name, path, body)
    assert raised.value.code == 429
    assert {"error", "message"} & json.load(raised.value).keys()


@plain
def test_a_plain_reply_can_be_cut_off(simulator, name, path, body):
    simulator.script([{"drop_after_chunks": 0}])
    with pytest.raises(IncompleteRead):
        ask(simulator, name, path, body).read()


@with_tools
def test_a_tool_is_called_unasked(simulator, name, path, body):
    simulator.script([{"tool": {"name": "find_canary", "arguments": {"number": 7}}}])
    assert b"find_canary" in ask(simulator, name, path, body).read()


@streamed
def test_a_stream_has_as_many_pieces_as_scripted(simulator, name, path, body):
    simulator.script([{"text": "canary" * 7, "chunks": 7, "chunk_delay": 0.001}, {"text": "canary", "chunks": 1}])
    seven, one = (ask(simulator, name, path, body).read() for _ in range(2))
    assert seven.count(b"canary") >= 7 > one.count(b"canary")


@streamed
def test_a_stream_can_be_cut_off(simulator, name, path, body):
    simulator.script([{"chunks": 6, "drop_after_chunks": 2}])
    with pytest.raises(IncompleteRead):
        ask(simulator, name, path, body).read()


@streamed
def test_a_stream_can_end_in_the_providers_error(simulator, name, path, body):
    simulator.script([{"error_after_chunks": 1}])
    told = ask(simulator, name, path, body).read().lower()
    assert b"error" in told


@plain
def test_a_key_is_wanted_where_the_provider_wants_one(simulator, name, path, body):
    if name.startswith(KEYLESS):
        assert ask(simulator, name, path, body, key="").status == 200
        return
    with pytest.raises(urllib.error.HTTPError, match="401"):
        ask(simulator, name, path, body, key="")


def test_a_scripted_tool_has_a_name(simulator):
    with pytest.raises(ValueError, match="tool is"):
        simulator.script([{"tool": {"arguments": {}}}])
