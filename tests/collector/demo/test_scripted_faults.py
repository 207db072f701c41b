"""What goes wrong at a provider goes wrong here the same way, and each SDK raises its own error for it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import anthropic
import openai
import pytest

from spanledger_collector.demo.provider_state import Conditions
from spanledger_collector.demo.script import ScriptInvalid
from spanledger_collector.demo.simulator import Simulator

QUESTION: Any = [{"role": "user", "content": "Where is order 1042?"}]
REFUSALS = [
    (400, openai.BadRequestError, anthropic.BadRequestError),
    (401, openai.AuthenticationError, anthropic.AuthenticationError),
    (429, openai.RateLimitError, anthropic.RateLimitError),
    (500, openai.InternalServerError, anthropic.InternalServerError),
    (529, openai.InternalServerError, anthropic.APIStatusError),
]


def ask_openai(simulator, retries=0, **changes):
    client = openai.OpenAI(base_url=f"{simulator.url}/v1", api_key="sk-test", max_retries=retries)
    return client.chat.completions.create(**{"model": "gpt-4.1", "messages": QUESTION, **changes})


def ask_claude(simulator, retries=0, **changes):
    client = anthropic.Anthropic(base_url=simulator.url, api_key="sk-test", max_retries=retries)
    return client.messages.create(**{"model": "claude-haiku-4-5", "max_tokens": 99, "messages": QUESTION, **changes})


@pytest.mark.parametrize(("status", "openai_error", "claude_error"), REFUSALS)
def test_a_status_becomes_the_sdks_own_error(simulator, status, openai_error, claude_error):
    simulator.script([{"status": status}] * 2)
    with pytest.raises(openai_error) as raised:
        ask_openai(simulator)
    assert raised.value.type
    with pytest.raises(claude_error) as raised:
        ask_claude(simulator)
    assert raised.value.body["type"] == "error"


def test_a_rate_limited_reply_says_when_to_come_back(simulator):
    simulator.script([{"status": 429, "headers": {"retry-after": "0.01"}}])
    with pytest.raises(openai.RateLimitError) as raised:
        ask_openai(simulator)
    headers = raised.value.response.headers
    assert (headers["retry-after"], headers["x-ratelimit-remaining-requests"]) == ("0.01", "0")


def test_retries_are_counted_by_the_sdk_and_seen_here(simulator):
    simulator.script([{"status": 429, "headers": {"retry-after": "0.01"}}, {"status": 500}])
    assert ask_openai(simulator, retries=2).choices
    assert [r.headers["x-stainless-retry-count"] for r in simulator.requests] == ["0", "1", "2"]


def test_normal_replies_carry_the_allowance(simulator):
    client = anthropic.Anthropic(base_url=simulator.url, api_key="sk-test")
    raw = client.messages.with_raw_response.create(model="claude-haiku-4-5", max_tokens=9, messages=QUESTION)
    left, limit = (int(raw.headers[f"anthropic-ratelimit-requests-{name}"]) for name in ("remaining", "limit"))
    assert 0 < left < limit


def test_a_dropped_stream_breaks_in_the_callers_hands(simulator):
    simulator.script([{"chunks": 10, "drop_after_chunks": 3}])
    seen: list[Any] = []
    with pytest.raises(Exception, match=r"incomplete|Connection error"):  # the SDK's own or its transport's, by version
        seen.extend(ask_openai(simulator, stream=True))
    assert len(seen) == 4  # the opening chunk and three pieces


def test_a_dropped_plain_reply_is_a_connection_error(simulator):
    simulator.script([{"drop_after_chunks": 0}])
    with pytest.raises(anthropic.APIConnectionError):
        ask_claude(simulator)


def test_a_provider_can_fail_in_the_middle_of_a_stream(simulator):
    simulator.script([{"error_after_chunks": 2}] * 2)
    with pytest.raises(anthropic.APIError, match="Overloaded"):
        list(ask_claude(simulator, stream=True))
    with pytest.raises(openai.APIError):
        list(ask_openai(simulator, stream=True))


def test_usage_and_text_are_taken_from_the_script(simulator):
    usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
    simulator.script([{"usage": usage, "text": "Canary yellow."}])
    reply = ask_openai(simulator)
    assert reply.choices[0].message.content == "Canary yellow."
    assert reply.usage.model_dump(exclude_none=True) == usage


def test_a_body_is_sent_as_written(simulator):
    simulator.script([{"body": {"anything": [1, 2]}}])
    assert ask_openai(simulator).model_dump()["anything"] == [1, 2]


def test_a_slow_reply_runs_into_the_callers_timeout(simulator):
    simulator.script([{"delay": 30}])
    with pytest.raises(openai.APITimeoutError):
        ask_openai(simulator, timeout=0.2)


def test_a_stream_is_told_piece_by_piece(simulator):
    simulator.script([{"chunks": 1000, "chunk_delay": 0.05}])
    stream = ask_openai(simulator, stream=True)
    next(iter(stream))
    stream.close()  # long before its 50 seconds are over
    assert ask_openai(simulator).choices


def test_a_script_may_be_for_one_account_only(simulator):
    simulator.script([{"status": 500}], key="sk-other")
    assert ask_openai(simulator).choices


def test_a_script_can_be_posted_and_the_requests_read_back(simulator):
    assert call(simulator, "POST", "script", [{"status": 401}]) == {"queued": 1}
    with pytest.raises(openai.AuthenticationError):
        ask_openai(simulator)
    (seen,) = call(simulator, "GET", "requests")
    assert (seen["method"], seen["path"]) == ("POST", "/v1/chat/completions")
    assert json.loads(seen["body"])["messages"] == QUESTION
    assert call(simulator, "DELETE", "requests") is None
    assert simulator.requests == []


def test_a_wrong_script_is_refused_with_the_known_keys(simulator):
    with pytest.raises(urllib.error.HTTPError) as raised:
        call(simulator, "POST", "script", [{"staus": 401}])
    assert "unknown key 'staus'" in raised.value.read().decode()
    with pytest.raises(ScriptInvalid, match="delay is -1"):
        simulator.script([{"delay": -1}])


def call(simulator, method, name, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{simulator.url}/_simulator/{name}", data, method=method)
    with urllib.request.urlopen(request, timeout=10) as response:
        text = response.read()
    return json.loads(text) if text else None


def test_an_account_over_its_limit_is_told_how_long_to_wait():
    with Simulator(Conditions(requests_per_minute={"sk-test": 60})) as simulator:
        with pytest.raises(openai.RateLimitError) as raised:
            ask_often(simulator, 40)
        assert 0 < float(raised.value.response.headers["retry-after"]) <= 1


def ask_often(simulator, times):
    for _ in range(times):
        ask_openai(simulator)


def test_without_a_key_nothing_is_answered(simulator):
    request = urllib.request.Request(f"{simulator.url}/v1/messages", b"{}", method="POST")
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(request, timeout=10)
    assert raised.value.code == 401


def test_stopping_does_not_wait_for_endless_streams():
    with Simulator() as simulator:
        simulator.script([{"chunks": 10_000, "chunk_delay": 1}])
        stream = ask_openai(simulator, stream=True)
        next(iter(stream))
    assert not simulator.running  # the stream alone would take ten minutes
