"""Prometheus text as a scraper reads it."""

import pytest

from spanledger_collector.counters import Counters


def test_counters_are_rendered_with_help_type_and_labels():
    counters = Counters()
    counters.add("spanledger_spans_refused_total", 2, reason='a "quoted"\nreason')
    text = counters.render()
    assert "# TYPE spanledger_spans_refused_total counter\n" in text
    assert 'spanledger_spans_refused_total{reason="a \\"quoted\\"\\nreason"} 2\n' in text
    assert "spanledger_spans_written_total 0\n" in text


def test_a_histogram_counts_each_value_in_every_bucket_above_it():
    counters = Counters()
    for seconds in (0.0005, 0.3, 60.0):
        counters.observe("spanledger_ack_seconds", seconds)
    lines = counters.render().splitlines()
    assert 'spanledger_ack_seconds_bucket{le="0.001"} 1' in lines
    assert 'spanledger_ack_seconds_bucket{le="0.5"} 2' in lines
    assert 'spanledger_ack_seconds_bucket{le="+Inf"} 3' in lines
    assert "spanledger_ack_seconds_sum 60.300500" in lines


def test_a_gauge_is_read_when_asked():
    counters, size = Counters(), [1]
    counters.watch("spanledger_log_bytes", lambda: size[0])
    size[0] = 7
    assert "spanledger_log_bytes 7\n" in counters.render()
    assert counters.snapshot()["spanledger_log_bytes"] == 7


def test_totals_sum_over_labels():
    counters = Counters()
    counters.add("spanledger_requests_total", code="200", transport="http")
    counters.add("spanledger_requests_total", 2, code="503", transport="http")
    assert counters.total("spanledger_requests_total", transport="http") == 3
    assert counters.total("spanledger_requests_total", code="503") == 2


def test_what_no_table_lists_cannot_be_counted():
    with pytest.raises(KeyError):
        Counters().add("spanledger_surprises_total")
