"""A real embedded store to write calls to and ask named queries of."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

from spanledger_collector import queries
from spanledger_collector.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from spanledger_collector.model import Call, Span

_segments = itertools.count(time.time_ns())


class Ledger:
    def __init__(self, store: Store) -> None:
        self.store = store

    def write(self, calls: Sequence[Call], spans: Sequence[Span] = ()) -> None:
        self.store.write(next(_segments), calls, spans)

    def run(self, name: str, params: Mapping[str, Sequence[str]]) -> pa.Table:
        return queries.run(self.store, name, params)

    def rows(self, name: str, **params: str) -> list[dict[str, Any]]:
        return self.run(name, {key.rstrip("_"): [value] for key, value in params.items()}).to_pylist()

    def clear(self) -> None:
        for table in self.store.size():
            if table != "schema_migrations":
                self.store._writer.command(f"TRUNCATE TABLE {table}")


def open_ledger(path: Path) -> Iterator[Ledger]:
    """One embedded store per process at a time: open it per module, clear it per test."""
    store = Store.open(f"chdb://{path}/store")
    yield Ledger(store)
    store.close()
