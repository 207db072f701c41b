"""Why a call of the ledger costs what it does: the stored cost, the price line, and the arithmetic by today's book."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.ledger import stored

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spanledger_collector.ledger.stored import RunQuery, StoredCall
    from spanledger_collector.pricing import Book

_TRACE: Final = re.compile(r"[0-9a-fA-F]{32}")
_SPAN: Final = re.compile(r"[0-9a-fA-F]{16}")


class NotACall(ValueError):
    """The text names no trace and no span; it says what does."""


def explain(run_query: RunQuery, book: Book, call: str) -> list[dict[str, Any]]:
    """The calls of a trace id, a span id or ``TRACE/SPAN``. Raises NotACall, and LookupError when there are none."""
    found = list(stored.select(run_query, _params(call)))
    if not found:
        raise LookupError(f"no call {call!r} is in the ledger; calls arrive within seconds, old ones are dropped")
    return [_explained(book, one) for one in found]


def _params(call: str) -> Mapping[str, list[str]]:
    ids = call.strip().lower().split("/")
    params: dict[str, list[str]] = {}
    for one in ids:
        name = "trace_id" if _TRACE.fullmatch(one) else "span_id" if _SPAN.fullmatch(one) else ""
        if not name or name in params:
            raise NotACall(f"{call!r} is no call: give a trace id (32 hex digits), a span id (16), or TRACE/SPAN")
        params[name] = [one]
    return params


def _explained(book: Book, one: StoredCall) -> dict[str, Any]:
    call, cost = one.call, one.cost
    now = cost if cost.grade == "provider" else stored.kept(book.price(call))
    text = f"{cost.price}: the provider itself reported the cost" if cost.grade == "provider" else book.explain(call)
    return {
        "trace_id": call.trace_id.hex(),
        "span_id": call.span_id.hex(),
        "provider": call.provider,
        "model": call.model,
        "cost_usd": cost.total,
        "grade": cost.grade,
        "price": cost.price,
        "reason": cost.reason,
        "cost_low_usd": cost.low,
        "cost_high_usd": cost.high,
        "explanation": text,
        "now_usd": now.total,
        "differs": now.total != cost.total,
    }
