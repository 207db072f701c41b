"""The ledger's own actions: explain, quote, price again, price lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.queries.parameter import Parameter

from .actions import Action
from .reading import Reading

if TYPE_CHECKING:
    from spanledger_collector.ledger.desk import Desk

_TEXT: Final = {"type": "string"}
_DAY: Final = {"type": "string", "format": "date"}
_FLAG: Final = {"type": "boolean", "default": False}
_DAYS: Final = (
    Parameter("from", "First UTC day, such as 2026-11-01.", required=True, schema=_DAY),
    Parameter("to", "First UTC day no longer included.", required=True, schema=_DAY),
)


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def ledger_actions(desk: Desk) -> tuple[Action | Reading, ...]:
    return (
        Action(
            "GET",
            "/explain/{call}",
            "Why a call, by trace id, span id or TRACE:SPAN, costs what it does.",
            desk.explain,
        ),
        Action(
            "POST",
            "/quote",
            "The price of one usage object, as the provider's API returned it.",
            desk.quote,
            _object(provider=_TEXT, model=_TEXT, timestamp=_TEXT, service_tier=_TEXT, usage={"type": "object"}),
        ),
        Action(
            "POST",
            "/reprice",
            "Price past days again: the difference, or with apply the change itself and a restatement.",
            desk.reprice,
            _object(**{"from": _DAY, "to": _DAY}, apply=_FLAG, restate=_FLAG, reason=_TEXT),
        ),
        Action(
            "POST",
            "/bills",
            "Lines of a provider's usage or cost export, of whole days: they replace what those days had.",
            desk.take_bills,
            _object(rows={"type": "array", "items": {"type": "object"}}),
        ),
        Action(
            "POST",
            "/reconciliation",
            "Where the ledger and the imported bills differ, by day and model, with the likely cause.",
            desk.gaps,
            _object(**{"from": _DAY, "to": _DAY}),
        ),
        Reading(
            "/allocation",
            "Each team's own and shared cost, and the share that is nobody's.",
            _DAYS,
            desk.allocation,
        ),
        *_price_lines(desk),
    )


def _price_lines(desk: Desk) -> tuple[Action, ...]:
    return (
        Action("GET", "/prices/lines", "Price lines that were given over the API.", desk.lines),
        Action("PUT", "/prices/lines/{name}", "Add or replace a price line, as in a price file.", desk.put_line),
        Action("DELETE", "/prices/lines/{name}", "Take a price line back.", desk.remove_line),
    )
