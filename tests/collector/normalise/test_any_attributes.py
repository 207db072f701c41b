"""Whatever a span's attributes hold: nothing raises, no part is negative, the parts sum to what was reported."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.calls import make_span

from spanledger import semconv
from spanledger_collector.normalise import anthropic_native, otel_genai, to_call

NAMES = sorted(
    {value for name, value in vars(semconv).items() if name.isupper() and isinstance(value, str)}
    | {alias for aliases in anthropic_native.OWN_NAMES.values() for alias in aliases}
    | {alias for aliases in otel_genai.PREVIOUS.values() for alias in aliases}
    | {anthropic_native.COMPACTION_INPUT, anthropic_native.COMPACTION_OUTPUT, "spanledger.tag.feature"}
)
NAMES.remove(semconv.COUNTED_BY)  # says that the call is told of elsewhere
COUNTS = [name for name in NAMES if ".usage." in name and "grade" not in name]
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.binary(max_size=8))
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
SMALL = st.integers(min_value=0, max_value=2000)
SCOPES = st.sampled_from(["spanledger", anthropic_native.SCOPE])
CHAT = {"gen_ai.operation.name": "chat"}


def parts(usage: Any) -> tuple[int, ...]:
    inputs = (usage.uncached_input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h, usage.audio_input)
    return (*inputs, usage.output - usage.reasoning, usage.reasoning, usage.audio_output)


@given(st.dictionaries(st.sampled_from(NAMES), VALUES), st.dictionaries(st.sampled_from(NAMES), VALUES), SCOPES)
@settings(max_examples=300, deadline=None)
def test_any_attributes_are_read(attributes: dict[str, Any], resource: dict[str, Any], scope: str):
    call = to_call(make_span(attributes | CHAT, resource=resource, scope=scope))
    assert call is not None
    assert call.usage is None or min(parts(call.usage)) >= 0
    assert 0 <= call.http_status < 2**16
    assert 1 <= call.attempts < 2**16
    assert 0 <= call.code_line < 2**32


@given(st.dictionaries(st.sampled_from(COUNTS), SMALL | VALUES), SMALL, SMALL)
@settings(max_examples=300, deadline=None)
def test_parts_sum_to_the_reported_totals(counts: dict[str, Any], total_input: int, total_output: int):
    totals = {semconv.USAGE_INPUT_TOKENS: total_input, semconv.USAGE_OUTPUT_TOKENS: total_output}
    call = to_call(make_span(CHAT | counts | totals))
    assert call is not None
    assert call.usage is not None
    assert (call.usage.input_tokens, call.usage.output_tokens) == (total_input, total_output)
    assert min(parts(call.usage)) >= 0


@given(SMALL, SMALL, SMALL)
@settings(deadline=None)
def test_cached_tokens_beyond_the_input_are_always_named(total: int, read: int, written: int):
    counts = {
        semconv.USAGE_INPUT_TOKENS: total,
        semconv.USAGE_OUTPUT_TOKENS: 1,
        semconv.USAGE_CACHE_READ: read,
        semconv.USAGE_CACHE_WRITE: written,
    }
    call = to_call(make_span(CHAT | counts))
    assert call is not None
    assert bool(call.usage_note) == (read + written > total)
