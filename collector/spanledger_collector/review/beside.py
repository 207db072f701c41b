"""What stands beside the waste: replies out of a response cache, for which nobody was paid, and fallbacks."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from spanledger_collector.review.figures import UNNAMED, count, estimate, money

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanledger_collector.review.ledger import Row
    from spanledger_collector.review.pack import Pack

_ROWS: Final = 15
_MODELLED: Final = "the tokens that were spared, at what the model's other calls cost. Modelled, and in no sum"


class Beside(NamedTuple):
    """A table and what it comes to; the first ``words`` cells of a row are names from telemetry or ours."""

    title: str
    said: str
    header: tuple[str, ...]
    words: int
    rows: Sequence[tuple[str, ...]]


def tables(pack: Pack) -> tuple[Beside, Beside]:
    return _response_cache(pack.response_cache), _fallbacks(pack.fallbacks)


def _response_cache(rows: Sequence[Row] | None) -> Beside:
    header = ("Where", "Model", "Replies", "Tokens spared", "Not spent (modelled)")
    shown = [
        (
            _where(row),
            row["model"] or UNNAMED["model"],
            f"{row['hits']:,}",
            count(row["saved_input_tokens"] + row["saved_output_tokens"]) if row["counted_hits"] else "unknown",
            estimate(row["saved_usd"]),
        )
        for row in rows or ()
    ]
    return Beside("Not spent: replies out of a response cache", _spared(rows), header, 2, shown[:_ROWS])


def _spared(rows: Sequence[Row] | None) -> str:
    if rows is None:
        return "Replies out of a response cache name no team: they are told of all teams together only."
    if not rows:
        return "No reply came out of a response cache that tells of it."
    hits, known = sum(row["hits"] for row in rows), [row for row in rows if row["saved_usd"] is not None]
    if not known:
        return (
            f"What was spared is unknown, replies: {hits:,}. Their tokens are not told, or no cost of their models is."
        )
    usd = sum((Decimal(row["saved_usd"]) for row in known), Decimal(0))
    counted = sum(row["counted_hits"] for row in known)
    return f"{estimate(usd)} not spent, on {counted:,} of {hits:,} replies: {_MODELLED}.{_more(rows)}"


def _fallbacks(rows: Sequence[Row]) -> Beside:
    header = ("Where", "Instead of", "Came", "Calls", "Of known cost", "Known cost")
    shown = [
        (
            _where(row),
            row["from_model"] or "(not told)",
            f"{row['to_model']} (said)" if row["said"] else row["to_model"],
            f"{row['calls']:,}",
            f"{row['priced_calls']:,}",
            money(row["cost_usd"]),
        )
        for row in rows
    ]
    return Beside("Fallbacks", _stood_in(rows), header, 3, shown[:_ROWS])


def _stood_in(rows: Sequence[Row]) -> str:
    if not rows:
        return "No call is known to have stood in for another, and none to have been done without."
    priced = [Decimal(row["cost_usd"]) for row in rows if row["cost_usd"] is not None]
    paid = money(sum(priced, Decimal(0)) if priced else None)
    models, others = (sum(row["calls"] for row in rows if row["said"] is said) for said in (False, True))
    return (
        f"Calls that stood in for a failed call to another model: {models:,}. Calls without whose reply the "
        f"application says it went on: {others:,}. Known cost of all these: {paid}.{_more(rows)}"
    )


def _where(row: Row) -> str:
    return f"{row['service']}, {row['feature']}" if row["feature"] else str(row["service"])


def _more(rows: Sequence[Row]) -> str:
    return f" {len(rows) - _ROWS} more rows are not shown." if rows[_ROWS:] else ""
