import pytest
from tests.support.ledger import open_ledger


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    yield from open_ledger(tmp_path_factory.mktemp("ledger"))


@pytest.fixture
def ledger(opened):
    yield opened
    opened.clear()
