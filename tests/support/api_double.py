"""The collector's HTTP API with answers set by hand: for the states a real ledger reaches rarely. Speaks real HTTP
and real Arrow streams in the API's own column types."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pyarrow as pa

from spanledger_collector.queries import QUERIES

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

STATUS = {"version": "0.1.0", "demo": False, "store": {"rows": 0}}


class ApiDouble:
    """``rows`` maps a query to its rows; ``failure`` (status, message) refuses everything while it is set."""

    def __init__(self, rows: dict[str, list[dict[str, Any]]] | None = None, **status: Any) -> None:
        self.rows = rows or {}
        self.rows_without_by: dict[str, list[dict[str, Any]]] = {}  # where a query's total is not its rows
        self.rows_before: dict[str, list[dict[str, Any]]] = {}  # where the period compared with is not like this one
        self.status = STATUS | status
        self.failure: tuple[int, str] | None = None
        self.failure_of: dict[str, tuple[int, str]] = {}  # the same for one path below /api/v1
        self.asked: list[tuple[str, dict[str, list[str]]]] = []
        self.acted: list[tuple[str, Any]] = []  # path and body of what was to change something
        self.tokens: dict[str, list[str]] = {}  # token to its rights; without any, everybody may do everything
        # JSON answers by path below /api/v1
        self.answers: dict[str, Any] = {"/alerts/silences": {"silences": []}, "/alerts/channels": {"channels": []}}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def table(self, query: str, params: dict[str, list[str]]) -> pa.Table:
        """The rows in the API's types; ``key`` only when asked ``by`` something."""
        columns = [column for column in QUERIES[query].columns if column.name != "key" or "by" in params]
        rows = self.rows.get(query, []) if "by" in params else self.rows_without_by.get(query, self.rows.get(query, []))
        if query in self.rows_before and datetime.fromisoformat(params["to"][0].replace("Z", "+00:00")) < datetime.now(
            timezone.utc
        ):
            rows = self.rows_before[query]
        if query == "latest_calls" and "q" in params:  # a search asks for one stretch of time after another
            since, until = (_moment(params[edge][0]) for edge in ("from", "to"))
            rows = [row for row in rows if since <= row["start"] < until]
        return pa.Table.from_pylist(rows, schema=pa.schema(columns))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))  # Python 3.10 does not read the Z


def _handler(double: ApiDouble) -> type[BaseHTTPRequestHandler]:
    class Bound(Handler):
        api = double

    return Bound


class Handler(BaseHTTPRequestHandler):
    api: ApiDouble

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        path = parts.path.removeprefix("/api/v1")
        if failure := self.api.failure or self.api.failure_of.get(path):
            self._refuse(*failure)
        elif "read" not in self._rights():
            self._refuse(401, "a bearer token is needed")
        elif path.startswith("/query/"):
            self._query(path.removeprefix("/query/"), parts.query)
        else:
            rights = {"rights": self._rights(), "token_needed": bool(self.api.tokens)}
            self._answer({"/status": self.api.status, "/rights": rights}.get(path, self.api.answers.get(path)))

    def _query(self, name: str, asked: str) -> None:
        params: dict[str, list[str]] = {}
        for key, value in parse_qsl(asked):
            params.setdefault(key, []).append(value)
        self.api.asked.append((name, params))
        self._reply(200, _stream(self.api.table(name, params)))

    def change(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "admin" not in self._rights():
            return self._refuse(403, "this token is not one for 'admin'")
        self.api.acted.append((self.path, json.loads(body)))
        return self._answer(self.api.answers.get(urlsplit(self.path).path.removeprefix("/api/v1"), {}))

    do_POST = do_PUT = do_DELETE = change  # noqa: N815 - http.server's names

    def _rights(self) -> list[str]:
        shown = self.headers.get("Authorization", "").removeprefix("Bearer ")
        return self.api.tokens.get(shown, []) if self.api.tokens else ["ingest", "read", "admin"]

    def _answer(self, answer: Any) -> None:
        if answer is None:
            self._refuse(404, f"nothing is at {self.path}")
        else:
            self._reply(200, answer if isinstance(answer, bytes) else json.dumps(answer).encode())

    def _refuse(self, code: int, message: str) -> None:
        self._reply(code, json.dumps({"error": {"message": message}}).encode())

    def _reply(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


def _stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()
