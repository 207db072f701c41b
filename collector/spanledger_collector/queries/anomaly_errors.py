from __future__ import annotations

import pyarrow as pa

from .anomaly_facts import bucket
from .parameter import FILTERS, WINDOW
from .query import COUNT, MICROSECOND, TEXT, Asked, Query, between, columns, ended

# A reply that failed its validation is a failure of its own kind, whatever the call itself says.
_INVALID = "c.outcome != 'error' AND c.span_id IN (SELECT d.span_id FROM call_details AS d WHERE {since})"


def _sql(asked: Asked) -> str:
    invalid = _INVALID.format(since=f"d.validation = 'failed' AND {between('day_before', 'to', 'd.')}")
    return (
        f"SELECT {bucket()}, c.service AS service, c.feature AS feature, c.provider AS provider, c.model AS model,"
        " if(c.outcome = 'error', c.error_type, 'validation') AS error_type,"
        " if(c.outcome = 'error', c.http_status, 0) AS http_status, count() AS calls"
        f" FROM calls AS c WHERE {ended('from', 'to', 'c.')}{asked.filters('c.')}"
        f" AND (c.outcome = 'error' OR ({invalid}))"
        " GROUP BY bucket, service, feature, provider, model, error_type, http_status"
        " ORDER BY bucket, service, feature, provider, model, error_type, http_status"
    ).replace("{day_before:Int64}", "{from:Int64} - 86400000000000")


QUERY = Query(
    "Failed calls and replies that failed validation, by the five minutes in which they ended, place and error.",
    (*WINDOW, *FILTERS),
    columns(
        bucket=MICROSECOND,
        service=TEXT,
        feature=TEXT,
        provider=TEXT,
        model=TEXT,
        error_type=TEXT,
        http_status=pa.uint16(),
        calls=COUNT,
    ),
    _sql,
)
