from __future__ import annotations

import pyarrow as pa

from .parameter import FILTERS, WINDOW
from .places import IN_ALL, PER_PLACE, SITE, counted, picked
from .query import COUNT, MILLISECONDS, MONEY, TEXT, TIME, Asked, Query, between, columns

_SECONDS = pa.list_(pa.float32())


def _sql(asked: Asked) -> str:
    return (
        "SELECT c.start AS start, c.service AS service, c.feature AS feature, c.provider AS provider, c.model AS model,"
        f" {SITE},"
        " c.service_version AS version, lower(hex(c.trace_id)) AS trace_id, lower(hex(c.span_id)) AS span_id,"
        " lower(hex(c.parent_span_id)) AS parent_span_id, c.conversation AS conversation, c.operation AS operation,"
        " c.outcome AS outcome, c.error_type AS error_type, c.http_status AS http_status,"
        " c.finish_reason AS finish_reason, c.stream AS stream, c.attempts AS attempts, c.usage_grade AS usage_grade,"
        " c.service_tier AS service_tier, c.duration_ns / 1e6 AS duration_ms, c.first_chunk_ns / 1e6 AS first_chunk_ms,"
        " c.input_tokens AS input_tokens, c.uncached_input_tokens AS uncached_tokens,"
        " c.cache_read_tokens AS read_tokens, c.cache_write_5m_tokens AS write_5m_tokens,"
        " c.cache_write_1h_tokens AS write_1h_tokens, c.output_tokens AS output_tokens,"
        " c.reasoning_tokens AS reasoning_tokens, c.cost AS cost_usd, c.cost_input AS cost_input_usd,"
        " c.cost_cache_read AS cost_read_usd, c.cost_cache_write AS cost_write_usd, c.cost_output AS cost_output_usd,"
        " n.calls AS calls, n.days AS days,"
        " notEmpty(d.span_id) AND d.start != 0 AS detailed,"
        " d.input_chars AS input_chars, d.output_chars AS output_chars,"
        " d.max_tokens AS max_tokens, d.temperature AS temperature, d.timeout_s AS timeout_s,"
        " d.max_retries AS max_retries, d.attempt_statuses AS attempt_statuses, d.attempt_waits_s AS attempt_waits_s,"
        " d.attempt_durations_s AS attempt_durations_s, d.attempt_retry_after_s AS attempt_retry_after_s,"
        " d.requests_limit AS requests_limit, d.requests_remaining AS requests_remaining,"
        " d.tokens_limit AS tokens_limit, d.tokens_remaining AS tokens_remaining, d.output_type AS output_type,"
        " d.schema_name AS schema_name, d.validation AS validation, d.validation_fields AS validation_fields,"
        " d.validation_errors AS validation_errors"
        f" FROM calls AS c{counted(asked)}"
        f" LEFT JOIN (SELECT * FROM call_details AS d WHERE {between('from', 'to', 'd.')}"
        f" AND d.span_id IN ({picked(asked)})) AS d ON d.span_id = c.span_id AND d.trace_id = c.trace_id"
        f" WHERE {asked.calls('c.')} AND c.span_id IN ({picked(asked)}) ORDER BY c.start DESC, c.span_id"
    )


QUERY = Query(
    "Calls with what the library saw around them, newest first, at most `limit` of each place; calls is how many "
    "there were at the place and days on how many UTC days, detailed whether the library was there: otherwise "
    "what it would have seen is empty.",
    (*WINDOW, *FILTERS, PER_PLACE, IN_ALL),
    columns(
        start=TIME,
        service=TEXT,
        feature=TEXT,
        provider=TEXT,
        model=TEXT,
        call_site=TEXT,
        version=TEXT,
        trace_id=TEXT,
        span_id=TEXT,
        parent_span_id=TEXT,
        conversation=TEXT,
        operation=TEXT,
        outcome=TEXT,
        error_type=TEXT,
        http_status=pa.uint16(),
        finish_reason=TEXT,
        stream=pa.bool_(),
        attempts=pa.uint16(),
        usage_grade=TEXT,
        service_tier=TEXT,
        duration_ms=MILLISECONDS,
        first_chunk_ms=MILLISECONDS,
        input_tokens=COUNT,
        uncached_tokens=COUNT,
        read_tokens=COUNT,
        write_5m_tokens=COUNT,
        write_1h_tokens=COUNT,
        output_tokens=COUNT,
        reasoning_tokens=COUNT,
        cost_usd=MONEY,
        cost_input_usd=MONEY,
        cost_read_usd=MONEY,
        cost_write_usd=MONEY,
        cost_output_usd=MONEY,
        calls=COUNT,
        days=pa.uint16(),
        detailed=pa.bool_(),
        input_chars=pa.uint32(),
        output_chars=pa.uint32(),
        max_tokens=pa.uint32(),
        temperature=pa.float32(),
        timeout_s=pa.float32(),
        max_retries=pa.uint16(),
        attempt_statuses=pa.list_(pa.uint16()),
        attempt_waits_s=_SECONDS,
        attempt_durations_s=_SECONDS,
        attempt_retry_after_s=_SECONDS,
        requests_limit=COUNT,
        requests_remaining=COUNT,
        tokens_limit=COUNT,
        tokens_remaining=COUNT,
        output_type=TEXT,
        schema_name=TEXT,
        validation=TEXT,
        validation_fields=pa.list_(TEXT),
        validation_errors=pa.list_(TEXT),
    ),
    _sql,
)
