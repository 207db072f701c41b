"""The suite runs over every way to a store: inside this process, over HTTP, and a real server when one is named."""

import os

import pytest
from tests.support.clickhouse_facade import facade
from tests.support.ledger import Ledger, open_ledger

from spanledger_collector.store import Store

SERVER = os.environ.get("SPANLEDGER_TEST_CLICKHOUSE", "")  # https://user:password@host:8443/database, emptied by tests


@pytest.fixture(scope="module", params=["embedded", "http", *(["server"] if SERVER else [])])
def opened(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("store")
    if request.param == "embedded":
        yield from open_ledger(path)
    elif request.param == "server":
        yield from over_http(SERVER)
    else:
        with facade(path / "store") as dsn:
            yield from over_http(dsn)


def over_http(dsn):
    store = Store.open(dsn)
    yield Ledger(store)
    store.close()


@pytest.fixture
def store(opened):
    yield opened.store
    opened.clear()


def pytest_collection_modifyitems(items):
    """What concerns the tables alone, or the embedded engine alone, is not asked again over HTTP."""
    once = ("test_cluster", "test_details", "test_migration", "test_opening")
    items[:] = [item for item in items if not (item.path.stem in once and "[http" in item.name)]
