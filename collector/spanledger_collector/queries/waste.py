from __future__ import annotations

from typing import Final

from .parameter import BY, FILTERS, WINDOW
from .query import COUNT, KEY, MONEY, TEXT, Asked, Query, between, columns, near

CUT: Final = "'length', 'max_tokens', 'MAX_TOKENS'"
_KIND: Final = (
    "multiIf(c.outcome = 'error', 'failed', c.outcome IN ('abandoned', 'cancelled'), 'abandoned',"
    f" c.outcome = 'truncated' OR c.finish_reason IN ({CUT}), 'truncated', c.attempts > 1, 'retried', '')"
)


def _sql(asked: Asked) -> str:
    key = "key, " if asked.by else ""
    # Most calls are none of these, and few are looked up: those that failed validation leave the kind they were in.
    return (
        f"SELECT kind, {key}toUInt64(sum(w.n)) AS calls, toUInt64(sum(w.priced)) AS priced_calls,"
        " if(priced_calls = 0, NULL, sum(w.usd)) AS cost_usd"
        f" FROM ({_seen(asked)} UNION ALL {_invalid(asked)}) AS w WHERE kind != '' GROUP BY {key}kind HAVING calls > 0"
        f" ORDER BY cost_usd DESC NULLS LAST, calls DESC, kind{', key' if asked.by else ''}"
    )


def _counted(asked: Asked, where: str) -> str:
    key, group = (f"c.{asked.by} AS key, ", "kind, key") if asked.by else ("", "kind")
    counts = "toInt64(count()) AS n, toInt64(count(c.cost)) AS priced, sum(ifNull(c.cost, 0)) AS usd"
    return f"SELECT {_KIND} AS kind, {key}{counts} FROM calls AS c {where} GROUP BY {group}"


def _seen(asked: Asked) -> str:
    return _counted(asked, f"PREWHERE {asked.calls('c.')} AND {_KIND} != ''")


def _invalid(asked: Asked) -> str:
    failed = f"SELECT reinterpretAsUInt64(d.span_id) FROM failed_checks AS d WHERE {between('from', 'to', 'd.')}"
    own = f"{near('from', 'to', 'c.')}{asked.filters('c.')} AND reinterpretAsUInt64(c.span_id) IN ({failed})"
    signed = ", ".join(f"t.2 * m.{name} AS {name}" for name in ("n", "priced", "usd"))
    return (
        f"SELECT t.1 AS kind, {'m.key AS key, ' if asked.by else ''}{signed} FROM ({_counted(asked, f'WHERE {own}')})"
        " AS m ARRAY JOIN [('invalid', toInt64(1)), (m.kind, toInt64(-1))] AS t"
    )


QUERY = Query(
    "Calls whose result was not what was wanted, and what is known to have been paid for them: invalid (failed its "
    "validation), failed, abandoned (given up or cancelled), truncated, or retried and then answered. A call is in the "
    "first of these that fits. cost_usd is null where no cost is known: most refused calls are not billed.",
    (*WINDOW, *FILTERS, BY),
    (*columns(kind=TEXT), KEY, *columns(calls=COUNT, priced_calls=COUNT, cost_usd=MONEY)),
    _sql,
)
