"""`spanledger dashboard` as a user meets it: what it says, and with which exit code."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.support.api_double import ApiDouble

from spanledger_dashboard.command import main

if TYPE_CHECKING:
    from collections.abc import Callable


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


def test_the_address_it_says_serves_pages(serve: Callable[[str], Any]) -> None:
    with ApiDouble() as api, serve(api.url) as url:
        assert httpx.get(f"{url}/_stcore/health").text == "ok"


def test_a_missing_api_is_warned_about_and_waited_for() -> None:
    command = [sys.executable, "-m", "spanledger_dashboard", "--port", "0", "--api", "http://127.0.0.1:1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline().startswith("Dashboard: http://127.0.0.1:")
    process.terminate()
    assert "spanledger collect" in process.communicate(timeout=30)[1]
    assert process.returncode == 0
