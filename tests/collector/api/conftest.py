from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from tests.support.ledger import open_ledger

from spanledger_collector.access import Tokens, guarded
from spanledger_collector.api import create_app

STATUS = {"version": "0.1.0", "demo": False, "store": {"rows": 0}}
TOKEN = "t0k-en"


class Collector:
    """What the API is given, to be changed by a test."""

    def __init__(self, run_query) -> None:
        self.run_query = run_query
        self.not_ready = ""

    def app(self):
        return create_app(
            run_query=lambda name, params: self.run_query(name, params),  # noqa: PLW0108 - a test changes it
            status=lambda: STATUS,
            metrics=lambda: "spanledger_spans_written_total 3\n",
            ready=lambda: self.not_ready,
            version="0.1.0",
        )


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    yield from open_ledger(tmp_path_factory.mktemp("api"))


@pytest.fixture
def ledger(opened):
    yield opened
    opened.clear()


@pytest.fixture
def collector(ledger) -> Collector:
    return Collector(ledger.run)


@pytest.fixture
def api(collector) -> Iterator[TestClient]:
    with TestClient(collector.app(), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def locked(collector) -> Iterator[TestClient]:
    with TestClient(guarded(collector.app(), Tokens(TOKEN))) as client:
        yield client
