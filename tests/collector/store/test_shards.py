"""On a cluster everything goes through Distributed tables of the engine's own, which refuse what is not meant for them:
mutations, and tables under another table's condition. The facade is the only server of the cluster that holds rows.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timezone
from decimal import Decimal

import pytest
from tests.support.calls import make_call, make_span
from tests.support.clickhouse_facade import facade
from tests.support.ledger import Ledger

from spanledger_collector.ledger import reconcile
from spanledger_collector.ledger.exports import Bill
from spanledger_collector.ledger.reprice import Repricing
from spanledger_collector.model import Cost, Usage
from spanledger_collector.queries import QUERIES
from spanledger_collector.store import Keep, Store
from spanledger_collector.tellings import telling

CLUSTER = "ledger"
DAY = datetime(2026, 11, 2, tzinfo=timezone.utc)
CALLS = [
    make_call(
        Usage(uncached_input=1000, output=100),
        span_id=bytes([n]) * 8,
        cost=Cost(Decimal(1), Decimal(1), grade="measured"),
    )
    for n in range(1, 4)
]
SPANS = [make_span({}, span_id=call.span_id) for call in CALLS]
BILL = Bill(date(2026, 11, 2), "openai", "gpt-4.1", "usage", "", 3, 3000, 0, 0, 300, Decimal(3))
CHANGED = re.compile(r"(?:ALTER TABLE|OPTIMIZE TABLE|TRUNCATE TABLE|DELETE FROM) (\w+)")


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    with facade(tmp_path_factory.mktemp("shards") / "store", CLUSTER) as dsn:
        store = Store.open(dsn, cluster=CLUSTER)
        yield store
        store.close()


@pytest.fixture
def ledger(opened):
    yield Ledger(opened)
    for table in opened.size():
        if table != "schema_migrations":
            opened._writer.command(f"TRUNCATE TABLE {table}_local")


@pytest.fixture
def said(opened, monkeypatch):
    """Every statement sent to change something, in order."""
    statements: list[str] = []
    send = opened._writer.command

    def command(sql, *given, **named):
        statements.append(sql)
        return send(sql, *given, **named)

    monkeypatch.setattr(opened._writer, "command", command)
    return statements


def held(ledger):
    calls = ledger.store.query("SELECT count() AS n, sum(cost) AS usd FROM calls").to_pylist()[0]
    hourly = ledger.store.query("SELECT sum(calls) AS n, sum(cost) AS usd FROM calls_hourly").to_pylist()[0]
    assert calls == hourly
    return calls["n"], calls["usd"]


def assert_everywhere(ledger, statements):
    """The engine can read them, they are said to all servers, and rows change in the servers' own tables."""
    assert statements
    for statement in statements:
        if not statement.startswith("INSERT INTO"):
            assert f"ON CLUSTER {CLUSTER}" in statement
            ledger.store.query("SELECT formatQuery({sql:String}) AS sql", {"sql": statement})
        if changed := CHANGED.match(statement):
            assert changed[1].endswith("_local"), statement


def test_a_segment_sent_twice_is_there_once(ledger):
    for _ in range(2):
        ledger.store.write(1, CALLS, SPANS)
    assert held(ledger) == (3, Decimal(3))
    assert ledger.store.known([(CALLS[0].trace_id, CALLS[0].span_id)], 2)
    assert ledger.store.size()["calls"].rows == 3


def test_a_call_that_loses_its_bill_leaves_rows_and_rollups(ledger, said):
    ledger.write(CALLS, SPANS)
    for _ in range(2):
        ledger.store.retell(9, [(telling(CALLS[0]), (CALLS[1].trace_id, CALLS[1].span_id))])
    assert held(ledger) == (2, Decimal(2))
    told = ledger.store.tellings([telling(CALLS[0])], 10)
    assert {found.span_id for found, billed in told if not billed} == {CALLS[0].span_id}
    assert_everywhere(ledger, said)


def test_calls_are_priced_again(ledger, said):
    ledger.write(CALLS, SPANS)
    new = Cost(Decimal("0.25"), Decimal("0.25"), grade="measured", price="own@2026-11-01")
    again = Repricing(ledger.run, ledger.store, lambda _: new, "test")
    assert again.apply(DAY, "contract", now=DAY).changed_calls == 3
    assert held(ledger) == (3, Decimal("0.75"))
    assert again.apply(DAY, "contract", now=DAY).changed_calls == 0
    assert [row["state"] for row in ledger.rows("restatements")] == ["applied"]
    assert_everywhere(ledger, said)


def test_an_import_replaces_what_it_brought_before(ledger, said):
    for cost in (3, 4):
        reconcile.keep(ledger.store, [replace(BILL, cost=Decimal(cost))])
    rows = ledger.store.query("SELECT cost FROM provider_bills").to_pylist()
    assert rows == [{"cost": Decimal(4)}]
    assert_everywhere(ledger, said)


def test_rows_are_kept_for_as_long_as_told(ledger, said):
    ledger.store.keep(Keep(spans_days=30, calls_days=400))
    ledger.store.keep(Keep())
    assert_everywhere(ledger, said)


@pytest.mark.parametrize("name", QUERIES)
def test_every_named_query_is_answered(ledger, name):
    params = {"trace_id": "00" * 16} if name == "trace" else {}
    if any(parameter.name == "by" and parameter.required for parameter in QUERIES[name].parameters):
        params = {"by": "model"}
    ledger.rows(name, **params)


def test_no_statement_changes_a_table_that_only_passes_on(opened):
    """The engine itself would refuse: this is what the tests above rely on."""
    with pytest.raises(Exception, match="doesn't support mutations"):
        opened._writer.command("ALTER TABLE calls UPDATE cost = 0 WHERE 1")
