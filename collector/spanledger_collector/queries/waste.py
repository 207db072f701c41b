from __future__ import annotations

from typing import Final

from .parameter import BY, FILTERS, WINDOW
from .query import COUNT, KEY, MONEY, TEXT, Asked, Query, between, columns

CUT: Final = "'length', 'max_tokens', 'MAX_TOKENS'"
_KIND: Final = (
    "multiIf(c.outcome = 'error', 'failed', c.outcome IN ('abandoned', 'cancelled'), 'abandoned',"
    f" c.outcome = 'truncated' OR c.finish_reason IN ({CUT}), 'truncated', c.attempts > 1, 'retried', '')"
)
# Most calls are none of these, and that is told by short columns: the long ones are read of the others alone.
_SOME: Final = (
    f"c.outcome IN ('error', 'abandoned', 'cancelled', 'truncated') OR c.finish_reason IN ({CUT}) OR c.attempts > 1"
)


def _sql(asked: Asked) -> str:
    key, group = (f"c.{asked.by} AS key, ", "kind, key") if asked.by else ("", "kind")
    failed = f"FROM failed_checks AS d WHERE {between('from', 'to', 'd.')}"
    invalid = (
        f"c.service IN (SELECT d.service {failed})"
        f" AND reinterpretAsUInt64(c.span_id) IN (SELECT reinterpretAsUInt64(d.span_id) {failed})"
    )
    return (
        f"SELECT if({invalid}, 'invalid', {_KIND}) AS kind, {key}count() AS calls, count(c.cost) AS priced_calls,"
        f" if(priced_calls = 0, NULL, sum(ifNull(c.cost, 0))) AS cost_usd FROM calls AS c"
        f" PREWHERE ({_SOME} OR ({invalid})) AND {asked.calls('c.')} GROUP BY {group}"
        f" ORDER BY cost_usd DESC NULLS LAST, calls DESC, {group}"
    )


QUERY = Query(
    "Calls whose result was not what was wanted, and what is known to have been paid for them: invalid (failed its "
    "validation), failed, abandoned (given up or cancelled), truncated, or retried and then answered. A call is in the "
    "first of these that fits. cost_usd is null where no cost is known: most refused calls are not billed.",
    (*WINDOW, *FILTERS, BY),
    (*columns(kind=TEXT), KEY, *columns(calls=COUNT, priced_calls=COUNT, cost_usd=MONEY)),
    _sql,
)
