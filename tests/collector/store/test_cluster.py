"""What would be said to a cluster: the engine can read every statement. No cluster is at hand to run them on."""

from __future__ import annotations

import pytest

from spanledger_collector.store.cluster import BadCluster, Cluster
from spanledger_collector.store.migration import _APPLIED, shipped

CLUSTER = Cluster("ledger", "llm")
STATEMENTS = [_APPLIED, *(statement for migration in shipped() for statement in migration.statements)]


def rendered():
    return [each for statement in STATEMENTS for each in CLUSTER.render(statement)]


def of(table):
    return [each for each in rendered() if f" {table} " in each.partition("(")[0]]


def test_the_engine_reads_every_statement(store):
    for statement in rendered():
        formatted = store.query("SELECT formatQuery({sql:String}) AS sql", {"sql": statement})["sql"][0].as_py()
        assert "ON CLUSTER ledger" in formatted or formatted.startswith("INSERT INTO")


def test_a_table_is_replicated_and_reached_through_one_that_knows_every_shard():
    local, distributed = of("calls_local")[0], of("calls")[0]
    assert "ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')" in local
    assert "SETTINGS replicated_deduplication_window = 10000" in local
    assert distributed.endswith("ENGINE = Distributed(ledger, llm, calls_local, cityHash64(trace_id))")


def test_a_rollup_is_made_where_its_rows_are():
    *_, view = of("calls_hourly_view")
    assert "TO calls_hourly_local AS" in view
    assert "FROM calls_local AS c" in view


def test_a_row_that_replaces_another_lies_on_its_shard():
    assert (
        "ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', updated)"
        in of("findings_local")[0]
    )
    assert of("findings")[0].endswith("findings_local, cityHash64(id))")
    assert of("alerts")[0].endswith("alerts_local, cityHash64(fingerprint, since))")


def test_a_new_column_is_on_both_and_coded_on_the_one_that_stores():
    added = [each for each in rendered() if "region" in each and "ALTER" in each]
    assert [each.split()[2] for each in added] == ["calls_local", "calls"]
    coded = [each for each in rendered() if each.startswith("ALTER TABLE calls ") and "CODEC" in each]
    assert not coded


@pytest.mark.parametrize("name", ["", "a b", "x; DROP TABLE calls", "1st"])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(BadCluster, match="letters, digits and underscores"):
        Cluster(name)


def test_a_statement_without_a_form_for_clusters_is_named():
    with pytest.raises(BadCluster, match="OPTIMIZE TABLE calls"):
        list(CLUSTER.render("OPTIMIZE TABLE calls"))
