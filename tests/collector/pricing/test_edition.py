"""A newer edition of the published prices: compared, kept whole or not at all, and priced by."""

from __future__ import annotations

import json
import socket
import threading
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from tests.support.calls import make_call

from spanledger_collector.model import Usage
from spanledger_collector.pricing import Book, PriceFileError, edition, published
from spanledger_collector.pricing.command import main

CALL = make_call(Usage(uncached_input=1000, output=100))


@pytest.fixture(autouse=True)
def bundled():
    yield
    published.use(None)


def content(price: float = 1, models: int = 200) -> bytes:
    def model(name: str) -> dict[str, Any]:
        return {"id": name, "match": {"equals": name}, "prices": {"input_mtok": price, "output_mtok": 4}}

    names = ["gpt-4.1", *(f"made-up-{number}" for number in range(models - 1))]
    return json.dumps(
        [{"id": "openai", "name": "OpenAI", "api_pattern": "openai", "models": [model(name) for name in names]}]
    ).encode()


def test_an_edition_that_is_kept_is_priced_by(tmp_path):
    edition.keep(content(), tmp_path / edition.FILE)
    assert edition.adopt(tmp_path / edition.FILE)
    assert Book().price(CALL).total == Decimal("0.0014")
    assert Book().describe().version.startswith("genai-prices, fetched 20")


def test_without_one_the_bundled_edition_holds(tmp_path):
    assert not edition.adopt(tmp_path / edition.FILE)
    assert Book().price(CALL).total == Decimal("0.0028")


@pytest.mark.parametrize(
    ("broken", "problem"),
    [(b"<html>", "is no edition"), (b"{}", "is no edition"), (b"[]", "has 0 models"), (content(models=3), "3 models")],
)
def test_a_broken_edition_is_refused_and_the_old_one_kept(tmp_path, capsys, broken, problem):
    kept, file = tmp_path / "data" / edition.FILE, tmp_path / "new.json"
    edition.keep(content(), kept)
    file.write_bytes(broken)
    assert main(["prices", "update", str(file), "--data", str(tmp_path / "data")]) == 1
    assert problem in capsys.readouterr().err
    assert kept.read_bytes() == content()


def test_a_damaged_edition_in_place_is_named(tmp_path):
    (tmp_path / edition.FILE).write_bytes(b"[")
    with pytest.raises(PriceFileError, match=r"prices\.json: is no edition"):
        edition.adopt(tmp_path / edition.FILE)


def test_an_update_shows_what_it_changes(tmp_path, capsys):
    file = tmp_path / "new.json"
    file.write_bytes(content())
    assert main(["prices", "update", str(file), "--data", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "~ openai/gpt-4.1  input $2/M -> $1/M" in out
    assert "+ openai/made-up-0  input $1/M, output $4/M" in out
    assert (tmp_path / edition.FILE).read_bytes() == content()


def test_a_difference_changes_nothing(tmp_path, capsys):
    edition.keep(content(), tmp_path / edition.FILE)
    file = tmp_path / "new.json"
    file.write_bytes(content(price=3))
    assert main(["prices", "diff", str(file), "--data", str(tmp_path)]) == 0
    assert "~ openai/gpt-4.1  input $1/M -> $3/M" in capsys.readouterr().out
    assert (tmp_path / edition.FILE).read_bytes() == content()


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        status, body, length = self.server.answer
        self.send_response(status)
        self.send_header("content-length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def page(monkeypatch):
    """What the address of SPANLEDGER_PRICES_URL answers: status, body and the length that is promised."""
    server = HTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv(edition.URL, f"http://127.0.0.1:{server.server_port}/data.json")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_newest_edition_is_fetched_from_where_the_settings_say(page, tmp_path, capsys):
    page.answer = 200, content(), len(content())
    assert main(["prices", "diff", "--data", str(tmp_path)]) == 0
    assert not (tmp_path / edition.FILE).exists()
    assert main(["prices", "update", "--data", str(tmp_path)]) == 0
    assert "~ openai/gpt-4.1  input $2/M -> $1/M" in capsys.readouterr().out
    assert (tmp_path / edition.FILE).read_bytes() == content()


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ((404, b"gone", 4), "cannot be fetched (HTTP Error 404"),
        ((500, b"", 0), "cannot be fetched (HTTP Error 500"),
        ((200, content(3)[:-9000], len(content(3))), "cannot be fetched (cut off 9,000 bytes before its end)"),
        ((200, content(3)[:-9000], len(content(3)) - 9000), "the newest edition: is no edition"),
        ((200, b"<html>sign in</html>", 20), "the newest edition: is no edition"),
        ((200, content(3, models=3), len(content(3, models=3))), "the newest edition: has 3 models"),
    ],
)
def test_what_cannot_be_fetched_whole_leaves_the_edition_in_force(page, tmp_path, capsys, answer, problem):
    edition.keep(content(), tmp_path / edition.FILE)
    page.answer = answer
    assert main(["prices", "update", "--data", str(tmp_path)]) == 1
    assert problem in capsys.readouterr().err
    assert edition.adopt(tmp_path / edition.FILE)
    assert Book().price(CALL).total == Decimal("0.0014")


def test_nobody_there_and_no_address_are_told_with_the_remedy(monkeypatch, tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}/", "file:///etc/passwd"):
        monkeypatch.setenv(edition.URL, url)
        assert main(["prices", "update", "--data", str(tmp_path)]) == 1
    err = capsys.readouterr().err
    assert "cannot be fetched" in err
    assert "the edition in use stays; without a network, give a data.json as a file" in err
    assert "SPANLEDGER_PRICES_URL is 'file:///etc/passwd': give an http(s) address" in err


def test_more_than_any_edition_has_is_not_taken(page, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(edition, "MOST_BYTES", 100)
    page.answer = 200, content(), len(content())
    assert main(["prices", "update", "--data", str(tmp_path)]) == 1
    assert "cannot be fetched (more than 100 bytes" in capsys.readouterr().err


def test_a_check_says_what_each_line_does(tmp_path, capsys):
    file = tmp_path / "own.toml"
    file.write_text(
        '[[price]]\nprovider = "openai"\nmodel = "gpt-4.1"\ninput = "1"\nuntil = 2025-01-01\n'
        '[[price]]\nprovider = "acme"\nmodel = "own"\ndiscount = "0.1"\n'
        '[[alias]]\nprovider = "azure"\nmodel = "prod"\nis = "gpt-4.1"\n'
    )
    assert main(["prices", "check", "--overrides", str(file)]) == 0
    out = capsys.readouterr().out
    assert "line 1: openai gpt-4.1  input $1/M  has ended" in out
    assert "line 6: acme own  10 % off  holds now; the book lists no such model" in out


def test_a_deployment_is_priced_as_what_it_stands_for(tmp_path):
    file = tmp_path / "own.toml"
    file.write_text('[[alias]]\nprovider = "azure"\nmodel = "prod-*"\nis = "gpt-4.1"\n')
    call = make_call(Usage(uncached_input=1000, output=100), provider="azure", model="prod-chat")
    assert Book(file).price(call).total == Decimal("0.0028")
    assert Book().price(call).total is None
