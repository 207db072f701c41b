import subprocess
import sys

import pytest

from spanledger_collector.store import Store, StoreAddress, StoreFault, StoreOwned

OPEN = "import sys; from spanledger_collector.store import Store; store = Store.open(sys.argv[1])"
HOLD = f"{OPEN}; print('open', flush=True); sys.stdin.read()"


@pytest.fixture
def elsewhere(tmp_path):
    """A store that another process has open, and that process."""
    dsn = f"chdb://{tmp_path}/store"
    owner = subprocess.Popen(
        [sys.executable, "-c", HOLD, dsn], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    owner.stdout.readline()
    yield dsn, owner
    owner.communicate()


def test_a_store_in_another_process_is_refused_with_its_owner_and_the_remedy(elsewhere):
    dsn, owner = elsewhere
    failed = subprocess.run([sys.executable, "-c", OPEN, dsn], capture_output=True, text=True, check=False)
    message = failed.stderr.partition("StoreOwned")[2]
    assert dsn.removeprefix("chdb://") in message
    assert f"pid {owner.pid}" in message
    assert "--data" in message


def test_a_store_whose_owner_was_killed_opens_again(elsewhere):
    dsn, owner = elsewhere
    owner.kill()
    owner.wait()
    subprocess.run([sys.executable, "-c", OPEN, dsn], check=True)


def test_a_second_store_in_one_process_is_refused_with_the_reason(store, tmp_path):
    with pytest.raises(StoreOwned, match="one path per process"):
        Store.open(f"chdb://{tmp_path}/second")
    assert store.size()["calls_hourly"].rows == 0


@pytest.mark.parametrize("dsn", ["/var/lib/ledger", "chdb://relative/path", "chdb://", "postgres://db/x", ""])
def test_an_address_of_no_store_is_refused_with_the_forms_there_are(dsn):
    with pytest.raises(StoreAddress, match="chdb:///absolute/path"):
        Store.open(dsn)


def test_a_server_that_does_not_answer_is_named_without_its_password():
    with pytest.raises(StoreFault, match=r"http://127\.0\.0\.1:9/ledger") as caught:
        Store.open("http://writer:secret@127.0.0.1:9/ledger")
    assert "secret" not in str(caught.value)
