"""What the collector says about itself, for the status page and the readiness probe."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from spanledger._version import __version__

if TYPE_CHECKING:
    from spanledger_collector.counters import Counters
    from spanledger_collector.disk import Disk
    from spanledger_collector.pricing import Book
    from spanledger_collector.settings import Settings
    from spanledger_collector.store import Store
    from spanledger_collector.wal import Log


@dataclass(slots=True)
class Status:
    """Read whenever somebody asks; safe from any thread."""

    settings: Settings
    counters: Counters
    log: Log
    store: Store
    book: Book
    disk: Disk
    otlp_http: str = ""  # known once the listeners are up

    def describe(self) -> dict[str, Any]:
        """JSON-ready. Sizes are in bytes, `store.rows` are billed calls, `prices.age_days` is null when unknown."""
        return {
            "version": __version__,
            "demo": self.settings.demo,
            "otlp_http": self.otlp_http,
            "store": self._store(),
            "log": {
                "bytes": self.log.queued_bytes,
                "limit_bytes": self.settings.log_bytes,
                "segments": self.log.segments,
            },
            "disk": self.disk.describe(),
            "counters": self.counters.snapshot(),
            "prices": {
                key: value if isinstance(value, int | str | None) else str(value)
                for key, value in asdict(self.book.describe()).items()
            },
        }

    def not_ready(self) -> str:
        """Empty, or why senders would be asked to come back."""
        if not self.otlp_http:
            return "starting or stopping"
        if self.log.queued_bytes >= self.settings.log_bytes:
            return f"the log holds its limit of {self.settings.log_bytes} bytes: the store does not take them"
        return ""

    def _store(self) -> dict[str, Any]:
        tables = self.store.size()
        calls = tables.get("calls")
        return {
            "kind": "embedded" if self.settings.is_embedded else "clickhouse",
            "rows": calls.rows if calls else 0,
            "bytes": sum(table.bytes for table in tables.values()),
            "tables": {name: asdict(table) for name, table in tables.items()},
        }
