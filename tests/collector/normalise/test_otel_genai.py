"""Spans by OpenTelemetry's GenAI conventions become calls."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.calls import make_span

from spanledger_collector.model import Usage
from spanledger_collector.normalise import to_call

CHAT = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4.1"}
COUNTED = CHAT | {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 20}


def call(attributes: dict[str, Any], **fields: Any) -> Any:
    return to_call(make_span(attributes, **fields))


@pytest.mark.parametrize("operation", ["chat", "text_completion", "generate_content", "embeddings"])
def test_a_client_span_of_a_billed_operation_is_a_call(operation: str):
    assert call(CHAT | {"gen_ai.operation.name": operation}).operation == operation


@pytest.mark.parametrize("operation", ["invoke_agent", "execute_tool", "create_agent", "invoke_workflow", "", 7])
def test_structure_is_never_billed(operation: Any):
    assert call(CHAT | {"gen_ai.operation.name": operation}) is None


def test_an_internal_span_is_a_frameworks_view_of_somebody_elses_bill():
    assert call(COUNTED, kind=1) is None


def test_a_reply_that_nobody_waited_for_has_no_duration():
    assert call(COUNTED | {"spanledger.unwaited": True}).duration_ns == 0
    assert call(COUNTED | {"spanledger.unwaited": False}).duration_ns == call(COUNTED).duration_ns > 0


def test_a_span_without_an_operation_is_no_call():
    assert call({"http.request.method": "POST"}) is None


def test_inclusive_counts_become_disjoint_parts():
    counts = {
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.cache_read.input_tokens": 600,
        "gen_ai.usage.cache_write.input_tokens": 100,
        "gen_ai.usage.output_tokens": 50,
        "gen_ai.usage.reasoning.output_tokens": 30,
    }
    usage = Usage(uncached_input=300, cache_read=600, cache_write_5m=100, output=50, reasoning=30)
    assert call(CHAT | counts).usage == usage


def test_cache_writes_are_split_by_lifetime():
    counts = {
        "gen_ai.usage.cache_write.input_tokens": 90,
        "spanledger.usage.cache_write_1h.input_tokens": 60,
        "spanledger.usage.cache_write_5m.input_tokens": 30,
    }
    usage = call(COUNTED | counts).usage
    assert (usage.uncached_input, usage.cache_write_5m, usage.cache_write_1h) == (10, 30, 60)


def test_audio_is_a_part_of_its_own():
    counts = {"gen_ai.usage.audio.input_tokens": 40, "gen_ai.usage.audio.output_tokens": 5}
    usage = call(COUNTED | counts).usage
    assert (usage.uncached_input, usage.audio_input, usage.output, usage.audio_output) == (60, 40, 15, 5)


def test_audio_that_was_cached_is_counted_as_cached():
    counts = {"gen_ai.usage.audio.input_tokens": 80, "gen_ai.usage.cache_read.input_tokens": 50}
    read = call(COUNTED | counts)
    assert (read.usage.cache_read, read.usage.audio_input, read.usage_note) == (50, 50, "")


def test_the_names_of_earlier_conventions_are_read():
    read = call(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.system": "anthropic",
            "gen_ai.request.model": "claude-sonnet-4-5",
            "gen_ai.usage.prompt_tokens": 500,
            "gen_ai.usage.completion_tokens": 10,
            "gen_ai.usage.cache_read_input_tokens": 400,
            "gen_ai.usage.cache_creation_input_tokens": 50,
        }
    )
    assert read.provider == "anthropic"
    assert read.usage == Usage(uncached_input=50, cache_read=400, cache_write_5m=50, output=10)


def test_a_span_without_counts_has_no_usage():
    assert call(CHAT).usage is None


def test_a_grade_of_partial_is_kept():
    assert call(COUNTED | {"spanledger.usage.grade": "partial"}).usage.grade == "partial"


def test_a_chat_without_output_tokens_is_partial():
    assert call(CHAT | {"gen_ai.usage.input_tokens": 5}).usage.grade == "partial"


def test_embeddings_need_no_output_tokens():
    embedding = CHAT | {"gen_ai.operation.name": "embeddings", "gen_ai.usage.input_tokens": 5}
    assert call(embedding).usage == Usage(uncached_input=5)


@pytest.mark.parametrize(
    ("counts", "note"),
    [
        ({"gen_ai.usage.cache_read.input_tokens": 101}, "cached input tokens exceed all input tokens"),
        ({"gen_ai.usage.reasoning.output_tokens": 21}, "reasoning tokens exceed all output tokens"),
        ({"gen_ai.usage.audio.input_tokens": 101}, "audio input tokens exceed all input tokens"),
        ({"gen_ai.usage.input_tokens": -1}, "gen_ai.usage.input_tokens is not a token count"),
        ({"gen_ai.usage.output_tokens": float("nan")}, "gen_ai.usage.output_tokens is not a token count"),
        ({"gen_ai.usage.output_tokens": "many"}, "gen_ai.usage.output_tokens is not a token count"),
        ({"gen_ai.usage.input_tokens": 10**12}, "gen_ai.usage.input_tokens is not a token count"),
        ({"gen_ai.usage.input_tokens": True}, "gen_ai.usage.input_tokens is not a token count"),
        ({"spanledger.usage.grade": "absent"}, "the span says that it has no usage, and carries some"),
    ],
)
def test_contradictions_are_named(counts: dict[str, Any], note: str):
    assert call(COUNTED | counts).usage_note == note


def test_whole_numbers_written_as_text_or_float_are_counts():
    usage = call(CHAT | {"gen_ai.usage.input_tokens": "100", "gen_ai.usage.output_tokens": 20.0}).usage
    assert (usage.uncached_input, usage.output) == (100, 20)


def test_tags_of_the_call_override_those_of_the_process():
    resource = {"spanledger.tag.team": "search", "spanledger.tag.region": "eu"}
    read = call(CHAT | {"spanledger.tag.team": "ads", "spanledger.tag.feature": "rank"}, resource=resource)
    assert read.tags == {"team": "ads", "region": "eu", "feature": "rank"}
    assert (read.team, read.feature, read.user) == ("ads", "rank", "")


def test_the_model_that_answered_stands_before_the_one_asked_for():
    read = call(CHAT | {"gen_ai.response.model": "gpt-4.1-2025-04-14"})
    assert (read.request_model, read.model) == ("gpt-4.1", "gpt-4.1-2025-04-14")


def test_times_are_nanoseconds():
    read = call(CHAT | {"gen_ai.response.time_to_first_chunk": 0.25})
    assert (read.duration_ns, read.first_chunk_ns) == (1_000_000_000, 250_000_000)


def test_a_span_that_ends_before_it_starts_took_no_time():
    assert call(CHAT, end_ns=1).duration_ns == 0


@pytest.mark.parametrize(
    ("attributes", "status", "outcome"),
    [
        ({"spanledger.outcome": "cancelled"}, 0, "cancelled"),
        ({"spanledger.outcome": "nonsense"}, 0, "ok"),
        ({"error.type": "RateLimitError"}, 0, "error"),
        ({}, 2, "error"),
        ({}, 1, "ok"),
    ],
)
def test_the_outcome_is_told_or_read_from_the_status(attributes: dict[str, Any], status: int, outcome: str):
    assert call(CHAT | attributes, status=status).outcome == outcome


def test_attempts_are_counted_or_told_by_resends():
    assert call(CHAT).attempts == 1
    assert call(CHAT | {"http.request.resend_count": 2}).attempts == 3
    assert call(CHAT | {"spanledger.attempts": 4, "http.request.resend_count": 1}).attempts == 4


def test_made_up_traffic_is_marked():
    assert call(CHAT, resource={"spanledger.demo": True}).demo is True
