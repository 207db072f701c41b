"""ClickHouse's HTTP interface over an embedded engine, for what a client of a server does: queries, parameters,
settings, inserts and errors. `python -m tests.support.clickhouse_facade PATH [CLUSTER]` prints its URL.

What it is not: a server. Users, sessions, progress, replication and several databases are left out. With the name of
a cluster it is the only server of one that holds rows: Distributed tables are the engine's own; statements for every
server are done on this one, and replicated tables are plain ones.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import chdb
from clickhouse_connect.driver._backend.chdb_backend import _decompress

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
TRANSPORT = {"database", "query", "query_id", "session_id", "default_format", "wait_end_of_query", "compress"}
TRANSPORT |= {"enable_http_compression", "send_progress_in_http_headers", "http_headers_progress_interval_ms"}
FORMAT = re.compile(r"\bFORMAT\s+(\w+)\s*$", re.IGNORECASE)
INSERT = re.compile(r"\s*INSERT\s+INTO\s+(?P<into>.*?)\s+FORMAT\s+(?P<format>\w+)\s*$", re.IGNORECASE | re.DOTALL)
CODE = re.compile(r"Code: (\d+)")
EVERYWHERE = re.compile(r" ON CLUSTER \w+")
REPLICATED = re.compile(r"ENGINE = Replicated(\w+)\('[^']*', '[^']*'(?:, )?(?P<own>[^)]*)\)")
# The second shard takes no rows and is not there; that there are two makes the engine plan for many.
CONFIG = """<clickhouse><tcp_port>9000</tcp_port><remote_servers><{0}>
<shard><internal_replication>true</internal_replication><replica><host>127.0.0.1</host><port>9000</port></replica></shard>
<shard><weight>0</weight><replica><host>127.0.0.1</host><port>1</port></replica></shard>
</{0}></remote_servers></clickhouse>"""


class Engine:
    """Handles by their settings: some of them, `readonly` above all, cannot be taken back."""

    def __init__(self, path: str, cluster: str = "") -> None:
        self._path = path
        if cluster:
            config = Path(f"{path}.xml")
            config.parent.mkdir(parents=True, exist_ok=True)
            config.write_text(CONFIG.format(cluster))
            self._path = f"{path}?config-file={config}"
        self._idle: dict[frozenset[tuple[str, str]], list[Any]] = defaultdict(list)
        self._choosing = threading.Lock()

    def query(self, sql: str, form: str, settings: dict[str, str], params: dict[str, str]) -> bytes:
        key = frozenset(settings.items())
        with self._choosing:
            handle = self._idle[key].pop() if self._idle[key] else self._opened(settings)
        content = bytes(handle.query(sql, form, params=params).bytes() or b"")
        self._idle[key].append(handle)  # one that raised is not used again: it may begin its next answer with this one
        return content

    def insert(self, into: str, form: str, data: bytes, settings: dict[str, str]) -> None:
        clause = ", ".join(f"{name} = '{value}'" for name, value in settings.items())
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            given = f" SETTINGS {clause}" if clause else ""
            self.query(f"INSERT INTO {into} FROM INFILE '{file.name}'{given} FORMAT {form}", "TabSeparated", {}, {})

    def _opened(self, settings: dict[str, str]) -> Any:
        handle = chdb.connect(self._path)
        for name, value in sorted(settings.items(), key=lambda item: item[0] == "readonly"):
            handle.query(f"SET {name} = '{value}'", "TabSeparated")
        return handle


def alone(sql: str) -> str:
    """What a statement for every server is for the only one."""
    if sql.startswith("SYSTEM SYNC REPLICA"):
        return "SELECT 1"
    if not EVERYWHERE.search(sql):
        return sql
    plain = REPLICATED.sub(lambda found: f"ENGINE = {found[1]}({found['own']})", EVERYWHERE.sub("", sql))
    return plain.replace(" replicated_deduplication_window", " non_replicated_deduplication_window")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    engine: Engine

    def do_GET(self) -> None:
        self._answer(200, b"Ok.\n", {})

    def do_POST(self) -> None:
        given = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        try:
            body, packed = self._body(), self.headers.get("content-encoding", "")
            form, content = self._run(given, _decompress(body, packed) if packed else body)
        except Exception as error:  # noqa: BLE001 - a server answers whatever happens
            found = CODE.search(str(error))
            code = found[1] if found else "1002"
            self._answer(500, str(error).encode(), {"X-ClickHouse-Exception-Code": code})
        else:
            self._answer(200, content, {"X-ClickHouse-Format": form} if content else {})

    def _run(self, given: dict[str, str], body: bytes) -> tuple[str, bytes]:
        settings = {name: value for name, value in given.items() if name not in TRANSPORT and name[:6] != "param_"}
        if settings.pop("prefer_localhost_replica", None):  # nobody listens on a port of it
            settings["skip_unavailable_shards"] = "1"
        params = {name[6:]: value for name, value in given.items() if name[:6] == "param_"}
        head, _, data = body.partition(b"\n") if body[:6].upper() == b"INSERT" else (b"", b"", body)
        statement = given.get("query") or head.decode()
        if inserted := INSERT.match(statement):
            self.engine.insert(inserted["into"], inserted["format"], data, settings)
            return "", b""
        sql = alone(given.get("query") or body.decode())
        form = given.get("default_format", "TabSeparated")
        asked = FORMAT.search(sql)
        return asked[1] if asked else form, self.engine.query(sql, form, settings, params)

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(content)), "X-ClickHouse-Timezone": "UTC"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None: ...


@contextmanager
def facade(path: Path, cluster: str = "") -> Iterator[str]:
    """A server address for a store in `path`, until the block ends."""
    command = [sys.executable, "-m", "tests.support.clickhouse_facade", str(path), cluster]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            assert process.stdin
            process.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            process.kill()


if __name__ == "__main__":
    Handler.engine = Engine(*sys.argv[1:])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}/default", flush=True)
    sys.stdin.read()
    os._exit(0)  # chDB's own end may wait for ever for threads that still serve
