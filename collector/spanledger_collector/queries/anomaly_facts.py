from __future__ import annotations

from typing import Final

from .parameter import FILTERS, WINDOW
from .query import COUNT, MICROSECOND, SHARE, TEXT, Asked, Query, columns, ended

_END: Final = "c.start + toIntervalNanosecond(c.duration_ns)"
_MS: Final = "log(greatest(c.duration_ns / 1e6, 0.001))"
_FIRST: Final = "log(greatest(assumeNotNull(c.first_chunk_ns) / 1e6, 0.001))"
_OUT: Final = "log(greatest(toFloat64(assumeNotNull(c.output_tokens)), 1))"
_IN: Final = "log(greatest(toFloat64(assumeNotNull(c.input_tokens)), 1))"
_WELL: Final = "c.outcome IN ('ok', 'truncated')"
_TIMED: Final = f"{_WELL} AND ifNull(c.output_tokens, 0) > 0 AND c.duration_ns > 0"
_FIRSTS: Final = f"{_WELL} AND ifNull(c.first_chunk_ns, 0) > 0"
_SIZED: Final = f"{_WELL} AND ifNull(c.input_tokens, 0) > 0"
_SUMS: Final = {
    "timed": f"countIf({_TIMED})",
    "log_ms": f"sumIf({_MS}, {_TIMED})",
    "log_ms2": f"sumIf({_MS} * {_MS}, {_TIMED})",
    "log_out": f"sumIf({_OUT}, {_TIMED})",
    "log_out2": f"sumIf({_OUT} * {_OUT}, {_TIMED})",
    "log_ms_out": f"sumIf({_MS} * {_OUT}, {_TIMED})",
    "first": f"countIf({_FIRSTS})",
    "log_first": f"sumIf({_FIRST}, {_FIRSTS})",
    "log_first2": f"sumIf({_FIRST} * {_FIRST}, {_FIRSTS})",
    "sized": f"countIf({_SIZED})",
    "log_in": f"sumIf({_IN}, {_SIZED})",
    "log_in2": f"sumIf({_IN} * {_IN}, {_SIZED})",
    "hits": f"countIf({_SIZED} AND c.cache_read_tokens > 0)",
    "uncached_tokens": "toFloat64(sumIf(c.uncached_input_tokens, c.cost IS NOT NULL))",
    "cached_tokens": "toFloat64(sumIf(c.cache_read_tokens, c.cost IS NOT NULL))",
    "output_tokens": "toFloat64(sumIf(ifNull(c.output_tokens, 0), c.cost IS NOT NULL))",
    "cost": "toFloat64(sum(ifNull(c.cost, 0)))",
    "unpriced": "countIf(c.input_tokens IS NOT NULL AND c.cost IS NULL)",
}


_VERSIONS: Final = "sumMap(map(c.service_version, toUInt32(1)))"
_VERSION: Final = f"arrayReduce('argMax', mapKeys({_VERSIONS}), mapValues({_VERSIONS}))"  # topK takes thrice as long


def bucket(prefix: str = "c.") -> str:
    """The five minutes in which a call ended, by their start."""
    end = _END.replace("c.", prefix)
    return f"toDateTime64(toStartOfFiveMinutes({end}), 6, 'UTC') AS bucket"


def _sql(asked: Asked) -> str:
    sums = ", ".join(f"toFloat64({sql}) AS {name}" for name, sql in _SUMS.items())
    return (
        f"SELECT {bucket()}, c.service AS service, c.feature AS feature, c.provider AS provider, c.model AS model,"
        f" {_VERSION} AS version,"
        f" count() AS calls, {sums} FROM calls AS c WHERE {ended('from', 'to', 'c.')}{asked.filters('c.')}"
        " GROUP BY bucket, service, feature, provider, model ORDER BY bucket, service, feature, provider, model"
    )


QUERY = Query(
    "What the anomaly rules are told: sums over the calls that ended in each five minutes, by service, feature, "
    "provider and model. Logarithms are natural, of milliseconds and of tokens; tokens and cost are of priced calls; "
    "version is the service's that most of the calls told of, empty where they told of none.",
    (*WINDOW, *FILTERS),
    columns(
        bucket=MICROSECOND,
        service=TEXT,
        feature=TEXT,
        provider=TEXT,
        model=TEXT,
        version=TEXT,
        calls=COUNT,
        **dict.fromkeys(_SUMS, SHARE),
    ),
    _sql,
)
