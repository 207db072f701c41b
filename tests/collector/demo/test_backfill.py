"""Loading: through the front door, at the collector's pace, once."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from tests.support.collector import start_collector
from tests.support.otlp_sink import OtlpSink

from spanledger_collector.demo.backfill import Notes, NotesUnreadable, load, pieces
from spanledger_collector.demo.history.month import HOUR_NS, HOURS
from spanledger_collector.demo.sender import NotAccepted, Sender

NOW_NS = int(datetime(2026, 11, 23, 12, 40, tzinfo=timezone.utc).timestamp()) * 10**9
CALLS = 2_000
DAY_NS = 24 * HOUR_NS


def fill(data, sink, now_ns=NOW_NS, calls=CALLS):
    return load(data, calls, Sender(sink.url, sink.url), now_ns)


def span_ids(sink):
    return [span.span_id for _, span in sink.spans]


def test_a_month_that_ends_now_is_sent_once(tmp_path):
    with OtlpSink() as sink:
        sent = fill(tmp_path, sink)
        starts = [span.start_time_unix_nano for _, span in sink.spans]
    assert sent == len(starts) == pytest.approx(CALLS, rel=0.05)
    assert max(starts) < NOW_NS < max(starts) + DAY_NS
    assert NOW_NS - 31 * DAY_NS < min(starts) < NOW_NS - 28 * DAY_NS


def test_starting_again_at_the_same_time_sends_nothing_new(tmp_path):
    with OtlpSink() as sink:
        fill(tmp_path, sink)
        before = set(span_ids(sink))
        fill(tmp_path, sink)
        assert set(span_ids(sink)) == before


def test_starting_again_later_adds_only_what_is_missing(tmp_path):
    with OtlpSink() as sink:
        fill(tmp_path, sink)
        before = set(span_ids(sink))
        fill(tmp_path, sink, NOW_NS + 3 * DAY_NS)
        added = [s.start_time_unix_nano for _, s in sink.spans if s.span_id not in before]
    assert min(added) >= NOW_NS - NOW_NS % HOUR_NS
    assert max(added) > NOW_NS + 2 * DAY_NS


def test_an_interrupted_loading_goes_on_where_it_was(tmp_path):
    with OtlpSink() as whole:
        fill(tmp_path / "whole", whole)
    broken = [(200, {}, b"")] * 30 + [(400, {}, b"broken")]
    with OtlpSink(broken) as sink:
        with pytest.raises(NotAccepted, match="answered 400: broken"):
            fill(tmp_path / "parts", sink)
        assert 0 < len(sink.requests) <= 30
        fill(tmp_path / "parts", sink)
        assert set(span_ids(sink)) == set(span_ids(whole))


def test_the_number_of_calls_of_the_first_start_stays(tmp_path):
    with OtlpSink() as sink:
        fill(tmp_path, sink)
        fill(tmp_path, sink, NOW_NS, calls=50_000)
        assert len(set(span_ids(sink))) == pytest.approx(CALLS, rel=0.05)


def test_pieces_cover_the_month_without_gap_or_overlap():
    told = list(pieces(Notes.fresh(CALLS, NOW_NS), NOW_NS))
    hours = [hour for piece in told for hour in piece.hours]
    anchor = NOW_NS // HOUR_NS
    assert sorted(hours) == list(range(anchor - HOURS, anchor + 1))
    assert told[-1].after.loaded_from == anchor - HOURS


def test_a_busy_collector_is_asked_again_when_it_says(tmp_path):
    busy = [(503, {"retry-after": "7"}, b""), (429, {"retry-after": "2"}, b"")]
    slept: list[float] = []
    with OtlpSink(busy) as sink:
        Sender(sink.url, sink.url, sleep=slept.append).send(b"")
        assert len(sink.requests) == 1
    assert slept == [7.0, 2.0]


def test_a_collector_that_stays_away_is_named_in_the_end():
    with OtlpSink() as sink:
        pass
    with pytest.raises(NotAccepted, match="does not answer"):
        Sender(sink.url, sink.url, sleep=lambda _: None).send(b"")


def test_refused_spans_are_not_passed_over(tmp_path):
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = 3
    answer.partial_success.error_message = "3 refused: the start time is missing"
    with OtlpSink([(200, {}, answer.SerializeToString())]) as sink, pytest.raises(NotAccepted, match="3 refused"):
        Sender(sink.url, sink.url).send(b"")


def test_notes_that_cannot_be_read_name_the_file_and_the_remedy(tmp_path):
    (tmp_path / "demo.json").write_text('{"calls": 1}')
    with pytest.raises(NotesUnreadable, match=r"demo\.json .* remove"):
        Notes.read(tmp_path)


def test_the_ledger_holds_each_call_once_however_often_it_is_sent(tmp_path):
    collector = start_collector(tmp_path / "data")
    try:
        sender = Sender(collector.otlp_http, collector.api)
        sent = load(tmp_path / "first", CALLS, sender, NOW_NS)
        first = collector.wait_for_calls(sent)
        load(tmp_path / "second", CALLS, sender, NOW_NS)  # nothing noted: everything again
        marker = load(tmp_path / "third", 300, sender, NOW_NS)
        last = collector.wait_for_calls(sent + marker)
    finally:
        collector.stop()
    assert (first["calls"], last["calls"]) == (sent, sent + marker)
