"""`spanledger dashboard` as a user meets it: what it says, and with which exit code."""

from __future__ import annotations

import socket
import subprocess
import sys

import httpx
import pytest
from tests.support.api_double import ApiDouble
from tests.support.dashboard import dashboard

from spanledger_dashboard.command import main


def test_a_port_in_use_is_named_with_a_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["dashboard", "--port", str(port)]) == 2
    assert f"port {port} on 127.0.0.1 is in use" in capsys.readouterr().err


def test_an_open_address_is_refused_unless_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--host", "0.0.0.0"]) == 2
    assert "--allow-remote" in capsys.readouterr().err


def test_an_address_that_is_none_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--api", "localhost:4319"]) == 2
    assert "'localhost:4319' is not an API address" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["eighty", "-1", "65536"])
def test_a_port_that_is_none_is_named(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--port", port])
    assert end.value.code == 2
    assert f"'{port}' is not a port" in capsys.readouterr().err


def test_the_address_it_says_serves_pages() -> None:
    with ApiDouble() as api, dashboard(api.url) as url:
        assert httpx.get(f"{url}/_stcore/health").text == "ok"


def test_a_missing_api_is_warned_about_and_waited_for() -> None:
    command = [sys.executable, "-m", "spanledger_dashboard", "--port", "0", "--api", "http://127.0.0.1:1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        first_line = process.stdout.readline()
        process.terminate()
        _, said = process.communicate(timeout=30)
    assert first_line.startswith("Dashboard: http://127.0.0.1:")
    assert "spanledger collect" in said
    assert process.returncode == 0


def test_it_stops_when_told_though_nobody_reads_its_output() -> None:
    command = [sys.executable, "-m", "spanledger_dashboard", "--port", "0", "--json", "--api", "http://127.0.0.1:1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        process.stdout.close()
        process.terminate()
        try:
            assert process.wait(30) == 0
        finally:
            process.kill()


def handshake(url: str, host: str) -> str:
    """The status line that a page of this host name gets when it opens the pages' data channel."""
    fields = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    request = f"GET /_stcore/stream HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n{fields}{key}\r\n"
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as connection:
        connection.sendall(request.encode())
        return connection.recv(100).split(b"\r\n")[0].decode()


def test_a_name_rebound_to_this_machine_reads_nothing() -> None:
    with ApiDouble() as api, dashboard(api.url, "--allow-host", "ledger.example") as url:
        answers = [handshake(url, host) for host in ("evil.example", "ledger.example", "127.0.0.1")]
    assert [answer.split()[1] for answer in answers] == ["403", "101", "101"]
