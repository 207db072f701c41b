"""clickhouse-connect clients for one store: a writer, and a few readers that cannot take the process down.

A chDB client serialises its calls on one handle, and handles to the same path run side by side (chdb 4.4): so writes
have a handle of their own and each page query borrows another. ``fork`` after opening hangs: start processes by spawn.
"""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from pathlib import Path
from queue import LifoQueue
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.exceptions import Error, ProgrammingError

from .faults import StoreAddress, StoreOwned, StoreUnreachable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from clickhouse_connect.driver.client import Client

READERS: Final = 8  # more than the API has threads: slow pages must leave some to the pipeline, alerts and detectors
QUERY_SECONDS: Final = 30  # longest time of one read
MAX_RESULT_ROWS: Final = 200_000
MAX_RESULT_BYTES: Final = 256 * 1024**2
MAX_QUERY_BYTES: Final = 1024**3


def connect(dsn: str, settings: dict[str, str] | None = None) -> Client:
    """One client. Raises StoreAddress, StoreOwned or StoreUnreachable."""
    parts = urlsplit(dsn)
    if parts.scheme in {"http", "https"}:
        return _to_server(dsn, settings)
    if parts.scheme != "chdb" or parts.netloc or len(parts.path) < 2:  # noqa: PLR2004 - a slash and a name
        raise StoreAddress(
            f"{dsn!r} is no store address: use chdb:///absolute/path for a store inside this process, "
            "or http(s)://user:password@host:port/database for a ClickHouse server"
        )
    Path(parts.path).parent.mkdir(parents=True, exist_ok=True)
    try:
        return clickhouse_connect.get_client(dsn=dsn, settings=settings)
    except ProgrammingError as error:
        raise _unopened(Path(parts.path), error) from error


def place(dsn: str) -> str:
    """The address without its user and password."""
    parts = urlsplit(dsn)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def database_of(dsn: str) -> str:
    """The database a server's address names."""
    return urlsplit(dsn).path.strip("/") or "default"


def _to_server(dsn: str, settings: dict[str, str] | None) -> Client:
    try:
        # Without a session the calls of several threads may overlap.
        return clickhouse_connect.get_client(dsn=dsn, settings=settings, autogenerate_session_id=False)
    except Error as error:
        raise StoreUnreachable(
            f"the ClickHouse server at {place(dsn)} cannot be used: {str(error)[:400]} - "
            "check that it runs, and the host, port, database, user and password of the store's address"
        ) from error


def reader_settings(seconds: int) -> dict[str, str]:
    """2 is: reads only, while settings may still be changed by the client library itself."""
    return {
        "readonly": "2",
        "priority": "1",  # before queries of 2, which nobody waits for
        "max_execution_time": str(seconds),
        "max_result_rows": str(MAX_RESULT_ROWS),
        "max_result_bytes": str(MAX_RESULT_BYTES),
        "result_overflow_mode": "throw",
        "max_memory_usage": str(MAX_QUERY_BYTES),
        "output_format_arrow_string_as_string": "1",
    }


class Readers:
    """A fixed number of read-only clients, lent to one query at a time and connected when first lent."""

    def __init__(self, dsn: str, seconds: int, settings: Mapping[str, str]) -> None:
        self._dsn, self._settings = dsn, {**reader_settings(seconds), **settings}
        self._idle: LifoQueue[Client | None] = LifoQueue()
        for _ in range(READERS):
            self._idle.put(None)

    @contextmanager
    def lend(self) -> Iterator[Client]:
        client = self._idle.get()
        try:
            client = client or connect(self._dsn, self._settings)
            yield client
        except BaseException:
            # A query that breaks off leaves bytes in its chDB handle, and they begin that handle's next answer.
            if client:
                client.close()
            client = None
            raise
        finally:
            self._idle.put(client)

    def close(self) -> None:
        """Waits for the queries under way."""
        for _ in range(READERS):
            if client := self._idle.get():
                client.close()


def _unopened(path: Path, error: ProgrammingError) -> Exception:
    if "already initialized" in str(error):
        return StoreOwned(
            f"cannot open the store at {path}: this process already has another store open, and an embedded store "
            "allows one path per process; close that one first"
        )
    owner = _owner(path / "status")
    if not owner:
        return error
    return StoreOwned(
        f"the store at {path} is open in another process ({owner}), and an embedded store has one owner: "
        "stop that process, ask it over its HTTP API, or give this one another --data directory"
    )


def _owner(status: Path) -> str:
    """Who holds the engine's lock on its ``status`` file; empty when nobody does."""
    try:
        with status.open() as file:
            return "" if _lockable(file.fileno()) else file.readline().strip().replace("PID: ", "pid ")
    except OSError:
        return ""


def _lockable(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
