"""Own rules, silences and acknowledgements given over the API, as rows of the store and back."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from spanledger_collector.alerts.rulebook import BadRules, Rulebook, Silence, own_rule

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from spanledger_collector.alerts.record import Row
    from spanledger_collector.alerts.stored_calls import RunQuery

    Save = Callable[[str, pa.Table, str], None]

_log = logging.getLogger(__name__)
_TIME: Final = pa.timestamp("us", tz="UTC")
_TEXT: Final = pa.string()


def _schema(**types: pa.DataType) -> pa.Schema:
    fields: list[pa.Field[Any]] = [pa.field(name, type_) for name, type_ in types.items()]
    return pa.schema(fields)


_TABLES: Final = {
    "alert_rules": _schema(name=_TEXT, updated=_TIME, definition=_TEXT, author=_TEXT, removed=pa.bool_()),
    "silences": _schema(
        id=_TEXT, updated=_TIME, matchers=pa.map_(_TEXT, _TEXT), author=_TEXT, reason=_TEXT, since=_TIME, until=_TIME
    ),
    "acknowledgements": _schema(fingerprint=_TEXT, since=_TIME, updated=_TIME, author=_TEXT, note=_TEXT),
}


@dataclass(frozen=True, slots=True)
class Kept:
    """Reads and writes; what is in the store holds at the next evaluation, in every collector that has it."""

    run_query: RunQuery
    save: Save

    def book(self, now: datetime) -> Rulebook:
        """What is on now. A rule an older or newer release wrote and this one cannot read is logged and left out."""
        acknowledged = frozenset((row["fingerprint"], row["since"]) for row in self.rows("acknowledgements"))
        silences = [_silence(row) for row in self.silences(now)]
        return Rulebook([rule for rule in map(_rule, self.rows("alert_rules")) if rule], silences, acknowledged)

    def silences(self, now: datetime) -> list[Row]:
        """Those on or still to come."""
        return self.rows("silences", **{"from": now.isoformat()})

    def rows(self, query: str, **asked: str) -> list[Row]:
        found: list[Row] = self.run_query(query, {name: [value] for name, value in asked.items()}).to_pylist()
        return found

    def write(self, table: str, row: Row) -> Row:
        """The row is durable when this returns."""
        rows = pa.Table.from_pylist([row], schema=_TABLES[table])
        key = row.get("name") or row.get("id") or row.get("fingerprint")
        self.save(table, rows, f"{table}-{key}-{row['updated'].isoformat()}")
        return row


def _rule(row: Row) -> Any:
    try:
        return own_rule({"name": row["name"], **json.loads(row["definition"])})
    except (BadRules, ValueError) as error:
        _log.warning("the alert rule %s given over the API is not in force: %s", row["name"], error)
        return None


def _silence(row: Row) -> Silence:
    return Silence(dict(row["matchers"]), row["author"], row["reason"], row["until"], row["since"], row["id"])
