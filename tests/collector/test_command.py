"""The server commands: which there are, and `spanledger up` with its dashboard."""

from __future__ import annotations

import importlib
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from spanledger.__main__ import COMMANDS
from spanledger_collector.command import ELSEWHERE, HERE, main
from spanledger_collector.settings import Address, BadSetting, default_data, parse_headers

ANY = ["--otlp-http", "127.0.0.1:0", "--otlp-grpc", "127.0.0.1:0", "--api", "127.0.0.1:0"]


def test_every_server_command_that_is_advertised_exists():
    served = {name for name, command in COMMANDS.items() if command.module == "spanledger_collector.command"}
    assert served == {*HERE, *ELSEWHERE}
    assert all(callable(importlib.import_module(module).main) for module in ELSEWHERE.values())


def test_an_unknown_command_is_answered_with_those_there_are(capsys):
    assert main(["colect"]) == 2
    assert "there is no command 'colect'; it is one of collect, up, " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environ", "directory"),
    [
        ({"SPANLEDGER_DATA": "/srv/ledger", "XDG_DATA_HOME": "/x"}, Path("/srv/ledger")),
        ({"XDG_DATA_HOME": "/x"}, Path("/x/spanledger")),
        ({}, Path.home() / ".local/share/spanledger"),
    ],
)
def test_the_data_directory_follows_the_environment(environ, directory):
    assert default_data(environ) == directory


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:4318", Address("127.0.0.1", 4318)),
        ("[::1]:0", Address("::1", 0)),
        ("4318", Address("127.0.0.1", 4318)),
    ],
)
def test_addresses_are_read(text, address):
    assert Address.parse(text) == address


@pytest.mark.parametrize("text", ["", "host:", ":80", "host:65536", "host:-1"])
def test_what_is_no_address_is_named(text):
    with pytest.raises(BadSetting, match=re.escape(repr(text))):
        Address.parse(text)


def test_only_loopback_is_loopback():
    loopback = [Address(host, 1).is_loopback for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost")]
    others = [Address(host, 1).is_loopback for host in ("0.0.0.0", "::", "10.0.0.1", "127.evil.example")]
    assert (all(loopback), any(others)) == (True, False)


def test_forward_headers_are_read_and_a_broken_one_is_not_repeated():
    assert parse_headers("x-api-key=k=1, team = core") == (("x-api-key", "k=1"), ("team", "core"))
    with pytest.raises(BadSetting) as error:
        parse_headers("s3cret")
    assert "s3cret" not in str(error.value)


def test_up_serves_the_pages_and_ctrl_c_ends_both(tmp_path):
    command = [sys.executable, "-u", "-m", "spanledger", "up", "--data", str(tmp_path), "--port", "0", *ANY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        pages = next(line for line in process.stdout if line.startswith("Dashboard: ")).split()[1]
        assert httpx.get(pages, trust_env=False, timeout=30).status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(pages, trust_env=False)


def test_up_names_the_dashboards_busy_port_before_anything_is_opened(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [
            sys.executable,
            "-m",
            "spanledger",
            "up",
            "--data",
            str(tmp_path / "data"),
            "--port",
            str(port),
            *ANY,
        ]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, (tmp_path / "data").exists()) == (1, False)
    assert f"the dashboard cannot listen on 127.0.0.1:{port}: the port is in use" in ended.stderr
    assert "another port with --port PORT (0 takes a free one)" in ended.stderr
