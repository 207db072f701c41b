from datetime import datetime, timedelta, timezone

import pytest
from tests.support.ledger import open_ledger

from spanledger_collector.detect import Detectors


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    yield from open_ledger(tmp_path_factory.mktemp("detect"))


@pytest.fixture
def ledger(opened):
    yield opened
    opened.clear()


@pytest.fixture
def look(ledger):
    """Evaluate detectors half an hour after the traffic's end (tests/support/traffic.py); the findings, by detector."""

    def look(*detectors, now=None):
        now = now or datetime.now(timezone.utc) + timedelta(minutes=1)
        Detectors(run_query=ledger.run, save=ledger.store.insert, failed=pytest.fail, detectors=detectors).tick(now)
        return ledger.rows("findings")

    return look
