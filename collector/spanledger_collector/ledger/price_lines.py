"""Price lines given over the API: checked like those of a file, kept in the store, laid over the file's."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from spanledger_collector.pricing.documents import PriceFileError
from spanledger_collector.pricing.overrides import line_of_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spanledger_collector.ledger.stored import RunQuery
    from spanledger_collector.pricing.overrides import PriceLine


class Inserts(Protocol):
    def insert(self, table: str, rows: pa.Table, token: str) -> None: ...


class Uses(Protocol):
    """The price book."""

    def use(self, lines: Sequence[PriceLine]) -> None: ...


class PriceLines:
    """What was given so far; every change holds for the calls priced from then on."""

    def __init__(self, run_query: RunQuery, store: Inserts, book: Uses) -> None:
        self._run_query, self._store, self._book = run_query, store, book

    def load(self) -> None:
        """Let the book use what is kept. A line that a later release refuses is left out, the others hold."""
        lines = []
        for row in self.all():
            with suppress(PriceFileError):
                lines.append(line_of_json(row["line"], row["id"]))
        self._book.use(lines)

    def all(self) -> list[dict[str, Any]]:
        """``{id, updated, line}`` of each."""
        rows = self._run_query("price_lines", {}).to_pylist()
        return [{**row, "line": json.loads(row["line"])} for row in rows]

    def put(self, name: str, values: Mapping[str, Any]) -> None:
        """Add or replace one. Raises PriceFileError, naming the line, the value and the remedy."""
        line_of_json(values, name)
        self._save(name, json.dumps(dict(values), sort_keys=True), removed=False)

    def remove(self, name: str) -> None:
        """Raises LookupError when there is none of that name."""
        if all(row["id"] != name for row in self.all()):
            raise LookupError(f"no price line is called {name!r}; GET /api/v1/prices/lines lists them")
        self._save(name, "{}", removed=True)

    def _save(self, name: str, line: str, *, removed: bool) -> None:
        now = datetime.now(timezone.utc)
        row: dict[str, list[Any]] = {"id": [name], "updated": [now], "line": [line], "removed": [removed]}
        self._store.insert("price_overrides", pa.table(row), f"price-line-{name}-{now.timestamp()}")
        self.load()
