"""Whatever stands in an emitter's attributes: no dialect raises, no part is negative, what is no count is named."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.collector.normalise.recordings import Recording, recordings
from tests.support.calls import make_span

from spanledger_collector.normalise import DIALECTS, EVENT_DIALECTS, to_call
from spanledger_collector.tellings import superseded, telling

if TYPE_CHECKING:
    from spanledger_collector.model import Span, Usage


def _billed(recording: Recording) -> list[Span]:
    return [span for span in recording.spans() if to_call(span) is not None]


BILLED = [span for recording in recordings() for span in _billed(recording)]
NAMES = sorted({name for span in BILLED for name in span.attributes})
COUNTS = [name for name in NAMES if "token" in name.lower() or "usage" in name.lower()]
TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["[", "{", "[[[", "{}", '{"input": -1}', '{"prompt_tokens": "many"}', "[" * 50_000, '{"a":' * 9_000]
    ),
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS, st.binary(max_size=8))
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
NO_COUNTS = [-1, 10**12, 0.5, math.nan, math.inf, -math.inf, True, "many", "-5", [1], {"a": 1}, b"1"]


def parts(usage: Usage) -> tuple[int, ...]:
    inputs = (usage.uncached_input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h, usage.audio_input)
    return (*inputs, usage.output - usage.reasoning, usage.reasoning, usage.audio_output)


@given(st.sampled_from(BILLED), st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8), st.text(max_size=60))
@settings(max_examples=400, deadline=None)
def test_a_recorded_span_with_anything_in_it_is_read(span: Span, changed: dict[str, Any], message: str):
    attributes = span.attributes | changed
    given_ = make_span(
        attributes, scope=span.scope, name=span.name, kind=span.kind, event=span.event, status=2, status_message=message
    )
    call = to_call(given_)
    if call is not None:
        assert call.usage is None or min(parts(call.usage)) >= 0
        assert call.start_ns >= 0
        assert call.duration_ns >= 0
        assert superseded([telling(call)]) == {}


@given(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=10), VALUES), st.text(max_size=40), st.booleans())
@settings(max_examples=300, deadline=None)
def test_no_dialect_raises_when_asked_for_any_span(attributes: dict[str, Any], scope: str, event: Any):
    span = make_span(attributes, scope=scope, event=event)
    for dialect in (*DIALECTS, *EVENT_DIALECTS):
        dialect.recognises(span)
        dialect.read(span)


@pytest.mark.parametrize("value", NO_COUNTS, ids=repr)
def test_what_is_no_count_is_never_tokens_and_always_named(value: Any):
    for span in BILLED:
        honest = to_call(span)
        for name in COUNTS:
            if type(span.attributes.get(name)) is not int:
                continue
            call = to_call(replace(span, attributes=span.attributes | {name: value}))
            assert honest
            assert call
            assert call.usage == honest.usage or call.usage_note, (span.scope, name)
            assert _tokens(call.usage) <= _tokens(honest.usage), (span.scope, name)


def _tokens(usage: Usage | None) -> int:
    return usage.input_tokens + usage.output_tokens if usage else 0
