import contextlib
import threading
import time

import pytest
import uvicorn
from tests.support.ledger import open_ledger

from spanledger_collector.api import create_app
from spanledger_collector.api.budget_actions import budget_actions
from spanledger_collector.api.review_readings import review_readings
from spanledger_collector.api.table import json_text
from spanledger_collector.pricing import Book
from spanledger_collector.review.desk import ReviewDesk
from spanledger_collector.review.ledger import OwnLedger

STATUS = {"prices": {"version": "genai-prices 0.2.3"}, "demo": False}


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    yield from open_ledger(tmp_path_factory.mktemp("review"))


@pytest.fixture
def ledger(opened):
    yield opened
    opened.clear()


@pytest.fixture(scope="module")
def api(opened):
    """The address of the real HTTP API over the module's store."""
    own = OwnLedger(lambda name, params: json_text(opened.run(name, params)), lambda: STATUS)
    app = create_app(
        run_query=opened.run,
        status=lambda: STATUS,
        metrics=str,
        ready=str,
        version="0",
        actions=(*budget_actions(opened.store.insert), *review_readings(ReviewDesk(own, Book()))),
    )
    with _served(app) as url:
        yield url


@contextlib.contextmanager
def _served(app):
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()
