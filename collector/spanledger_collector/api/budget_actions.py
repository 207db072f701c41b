"""Budgets are set over the API; the query ``budgets`` tells which there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.review import budget_rows

from .actions import Action

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pyarrow as pa

_TEXT: Final = {"type": "string"}
_BODY: Final = {
    "type": "object",
    "required": ["usd"],
    "properties": {
        "usd": {"type": ["string", "null"], "description": "US dollars per month; null takes the budget back."},
        "from": {"type": "string", "pattern": r"^\d{4}-\d{2}$", "description": "First month; this one when absent."},
        **dict.fromkeys(("team", "feature", "model", "note"), _TEXT),
    },
}
_DOC: Final = "Set what a scope may spend per calendar month, from a month on; an empty team, feature or model is all."


def budget_actions(save: Callable[[str, pa.Table, str], None]) -> tuple[Action, ...]:
    """``save(table, rows, token)`` inserts."""

    def put(_: Mapping[str, str], body: dict[str, Any]) -> Mapping[str, Any]:
        rows = budget_rows.table(body)
        (row,) = rows.to_pylist()
        save("budgets", rows, f"budgets-{row['updated'].isoformat()}")
        return row

    return (Action("PUT", "/budgets", _DOC, put, _BODY),)
