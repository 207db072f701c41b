from __future__ import annotations

from typing import Final

from .parameter import BY, FILTERS, WINDOW
from .query import COUNT, KEY, MONEY, TEXT, Asked, Query, between, columns

CUT: Final = "'length', 'max_tokens', 'MAX_TOKENS'"
_KIND: Final = (
    "multiIf({invalid}, 'invalid', c.outcome = 'error', 'failed', c.outcome IN ('abandoned', 'cancelled'), 'abandoned',"
    f" c.outcome = 'truncated' OR c.finish_reason IN ({CUT}), 'truncated', c.attempts > 1, 'retried', '')"
)


def _sql(asked: Asked) -> str:
    key, group = (f"c.{asked.by} AS key, ", "kind, key") if asked.by else ("", "kind")
    # Most calls are none of these: what they cost is not read.
    invalid = (
        "reinterpretAsUInt64(c.span_id) IN (SELECT reinterpretAsUInt64(d.span_id) FROM call_details AS d"
        f" WHERE d.validation = 'failed' AND {between('from', 'to', 'd.')})"
    )
    kind = _KIND.format(invalid=invalid)
    return (
        f"SELECT {kind} AS kind, {key}count() AS calls, count(c.cost) AS priced_calls,"
        " if(priced_calls = 0, NULL, sum(ifNull(c.cost, 0))) AS cost_usd"
        f" FROM calls AS c PREWHERE {asked.calls('c.')} AND {kind} != '' GROUP BY {group}"
        " ORDER BY cost_usd DESC NULLS LAST, calls DESC, kind"
    )


QUERY = Query(
    "Calls whose result was not what was wanted, and what is known to have been paid for them: invalid (failed its "
    "validation), failed, abandoned (given up or cancelled), truncated, or retried and then answered. A call is in the "
    "first of these that fits. cost_usd is null where no cost is known: most refused calls are not billed.",
    (*WINDOW, *FILTERS, BY),
    (*columns(kind=TEXT), KEY, *columns(calls=COUNT, priced_calls=COUNT, cost_usd=MONEY)),
    _sql,
)
