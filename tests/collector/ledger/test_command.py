"""The commands, against a collector's API on loopback."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
import uvicorn
from tests.support.calls import make_call

from spanledger_collector.api import create_app
from spanledger_collector.api.ledger_actions import ledger_actions
from spanledger_collector.ledger.command import main
from spanledger_collector.ledger.desk import Desk
from spanledger_collector.listener import bind
from spanledger_collector.model import Usage
from spanledger_collector.pricing import Book
from spanledger_collector.settings import Address

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE = {"provider": "openai", "model": "gpt-4.1", "input": "1", "output": "4"}
DAYS = ("--from", "2026-11-01", "--to", "2026-11-04")


@pytest.fixture
def desk(ledger) -> Desk:
    one = make_call(Usage(uncached_input=1000, output=100))
    book = Book()
    one.cost = book.price(one)
    ledger.write([one])
    return Desk(ledger.run, ledger.store, book)


@pytest.fixture
def api(ledger, desk) -> Iterator[str]:
    app = create_app(
        run_query=ledger.run, status=dict, metrics=str, ready=str, version="1", actions=ledger_actions(desk)
    )
    with bind("API", "--api", Address("127.0.0.1", 0)) as socket:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
        thread.start()
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def test_a_call_is_explained(api, capsys):
    assert main(["explain", (b"s" * 8).hex(), "--api", api]) == 0
    out = capsys.readouterr().out
    assert "cost $0.0028 (measured)" in out
    assert "output 100 x $8/M = $0.0008" in out


def test_a_difference_first_then_the_change(api, desk, ledger, capsys):
    desk.price_lines.put("contract", LINE)
    assert main(["reprice", *DAYS, "--api", api]) == 0
    assert "1 calls would change; nothing was" in capsys.readouterr().out
    assert ledger.rows("restatements") == []
    assert main(["reprice", *DAYS, "--api", api, "--apply", "--restate", "--reason", "contract"]) == 0
    out = capsys.readouterr().out
    assert "gpt-4.1: 1 calls $0.0028 -> $0.0014" in out
    assert "the known cost moves by $-0.0014" in out
    assert [row["reason"] for row in ledger.rows("restatements")] == ["contract"]


def test_what_becomes_unknown_is_no_zero(api, desk, ledger, capsys):
    desk.price_lines.put("lost", {"provider": "openai", "model": "gpt-4.1", "unpriced": ["input", "output"]})
    assert main(["reprice", *DAYS, "--api", api]) == 0
    assert "gpt-4.1: 1 calls $0.0028 -> unknown" in capsys.readouterr().out


def test_a_change_needs_a_reason(capsys):
    with pytest.raises(SystemExit):
        main(["reprice", *DAYS, "--apply"])
    assert "--reason" in capsys.readouterr().err


def test_a_collector_that_does_not_answer_is_named(capsys):
    assert main(["explain", (b"s" * 8).hex(), "--api", "http://127.0.0.1:9"]) == 1
    assert "no collector answers at http://127.0.0.1:9" in capsys.readouterr().err


def test_an_export_is_compared_line_by_line(api, capsys, tmp_path):
    export = tmp_path / "bill.csv"
    export.write_text("day,model,cost_usd,calls\n2026-11-02,gpt-4.1,1.00,3\n")
    assert main(["reconcile", str(export), "--format", "csv", "--provider", "openai", "--api", api]) == 0
    out = capsys.readouterr().out
    assert "1 days and models compared, 1 differ" in out
    assert "2 billed calls are not in the ledger" in out


def test_an_export_that_cannot_be_read_is_named(capsys, tmp_path):
    export = tmp_path / "bill.csv"
    export.write_text("date\n")
    assert main(["reconcile", str(export), "--format", "csv"]) == 1
    assert f"{export}: line 1 has the columns date" in capsys.readouterr().err


def test_whose_cost_it_is(api, capsys):
    assert main(["allocation", *DAYS, "--api", api]) == 0
    out = capsys.readouterr().out
    assert "(nobody)" in out
    assert "total $0.0028, 100.0% of it is nobody's" in out
