"""Who is asked about before an insert: whoever may be in the store, and few others."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from spanledger_collector.model import Span
from spanledger_collector.recent import RecentSpans

SECOND = 10**9


def span(number: int, start_s: float = 100) -> Span:
    start = int(start_s * SECOND)
    return Span(number.to_bytes(16, "big"), b"spanspan", b"", "n", 3, start, start, 0, "", {}, {}, "")


def test_a_new_span_is_no_suspect_and_a_stored_one_is():
    recent = RecentSpans(complete_from_ns=0)
    recent.add([span(1)])
    assert recent.suspects([span(1), span(2)]) == [span(1)]


def test_a_span_from_before_the_memory_is_always_a_suspect():
    recent = RecentSpans(complete_from_ns=100 * SECOND)
    assert recent.suspects([span(1, 99), span(2, 100)]) == [span(1, 99)]


def test_beside_other_writers_every_span_is_a_suspect():
    recent = RecentSpans(complete_from_ns=None)
    recent.add([span(1)])
    assert recent.suspects([span(1), span(2)]) == [span(1), span(2)]


def test_the_same_span_id_in_another_trace_is_another_span():
    recent = RecentSpans(complete_from_ns=0)
    recent.add([span(1)])
    assert not recent.suspects([replace(span(1), trace_id=bytes(15) + b"\2")])


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 500)), max_size=80, unique_by=lambda pair: pair[0]))
def test_however_little_it_remembers_no_stored_span_passes_for_new(stored):
    recent = RecentSpans(complete_from_ns=0, limit=5)
    spans = [span(number, start) for number, start in stored]
    for each in spans:
        recent.add([each])
    assert recent.suspects(spans) == spans


@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(0, 60)), max_size=80, unique_by=lambda pair: pair[0]),
    st.integers(0, 12),
)
def test_packed_or_not_it_remembers_exactly_what_it_was_given(stored, loose):
    recent = RecentSpans(complete_from_ns=0, loose=loose)
    spans = [span(number, start) for number, start in stored]
    for at in range(0, len(spans), 7):
        recent.add(spans[at : at + 7])
    others = [span(number + 1000, start) for number, start in stored]
    assert recent.suspects(spans) == spans
    assert recent.suspects(others) == []
