from __future__ import annotations

from .parameter import WINDOW
from .query import COUNT, MICROSECOND, MONEY, TEXT, Asked, Query, between, columns

_TOKENS = ("input_tokens", "cache_read_tokens", "output_tokens")
_RECORDED = ("calls", "unpriced_calls", "modelled_calls", *_TOKENS)
_BILLED = ("billed_calls", *(f"billed_{name}" for name in _TOKENS))


def _sql(_: Asked) -> str:
    ledger = (
        "SELECT toStartOfDay(c.start) AS day, c.provider AS provider, lower(c.model) AS model, toUInt64(1) AS calls,"
        " toUInt64(c.cost IS NULL) AS unpriced_calls, toUInt64(c.cost_grade = 'modelled') AS modelled_calls,"
        " ifNull(c.input_tokens, 0) AS input_tokens, c.cache_read_tokens AS cache_read_tokens,"
        " ifNull(c.output_tokens, 0) AS output_tokens, c.cost AS cost,"
        f" {', '.join(f'CAST(NULL, {_UINT}) AS {name}' for name in _BILLED)},"
        f" CAST(NULL, {_USD}) AS billed_cost FROM calls AS c WHERE {between('from', 'to', 'c.')}"
        f" AND (toStartOfDay(c.start), c.provider) IN (SELECT day, provider FROM provider_bills)"
    )
    zeros = ", ".join(f"toUInt64(0) AS {name}" for name in _RECORDED)
    since, until = (f"fromUnixTimestamp64Nano({{{name}:Int64}}, 'UTC')" for name in ("from", "to"))
    bills = (
        f"SELECT b.day AS day, b.provider AS provider, b.model AS model, {zeros}, CAST(NULL, {_USD}) AS cost,"
        f" b.calls AS billed_calls, {', '.join(f'b.{name} AS billed_{name}' for name in _TOKENS)},"
        f" b.cost AS billed_cost FROM provider_bills AS b FINAL WHERE b.day >= {since} AND b.day < {until}"
    )
    sums = ", ".join(f"sum(r.{name}) AS {name}" for name in (*_RECORDED, *_BILLED))
    return (
        f"SELECT toDateTime64(r.day, 6, 'UTC') AS day, r.provider AS provider, r.model AS model, {sums},"
        " sum(r.cost) AS cost_usd, sum(r.billed_cost) AS billed_usd"
        f" FROM ({ledger} UNION ALL {bills}) AS r GROUP BY day, provider, model ORDER BY day, provider, model"
    )


_UINT = "'Nullable(UInt64)'"
_USD = "'Nullable(Decimal(38, 18))'"

QUERY = Query(
    "The ledger beside what providers billed, by UTC day and model, on days of which an export was imported. Null: one "
    "side does not tell.",
    WINDOW,
    columns(
        day=MICROSECOND,
        provider=TEXT,
        model=TEXT,
        **dict.fromkeys((*_RECORDED, *_BILLED), COUNT),
        cost_usd=MONEY,
        billed_usd=MONEY,
    ),
    _sql,
)
