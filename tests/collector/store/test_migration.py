import pytest

from spanledger_collector.store import StoreNewer
from spanledger_collector.store.migration import Migration, migrate, shipped

GOOD = "CREATE TABLE IF NOT EXISTS probe (n UInt8) ENGINE = MergeTree ORDER BY n"
BAD = "CREATE TABLE IF NOT EXISTS probe_2 (n NoSuchType) ENGINE = MergeTree ORDER BY n"


@pytest.fixture
def client(store):
    yield store._writer
    last = shipped()[-1].version
    store._writer.command(f"ALTER TABLE schema_migrations DELETE WHERE version > {last} SETTINGS mutations_sync = 1")
    store._writer.command("DROP TABLE IF EXISTS probe")


def applied(client):
    return client.query("SELECT version, name FROM schema_migrations ORDER BY version").result_rows


def test_every_shipped_migration_has_a_number_of_its_own():
    numbers = [migration.version for migration in shipped()]
    assert numbers == sorted(set(numbers))


def test_a_migration_below_the_newest_one_is_applied_late(client):
    first, *others = shipped()
    client.command("TRUNCATE TABLE schema_migrations")
    migrate(client, "here", others)
    migrate(client, "here", [first, *others])
    assert sorted(version for version, _ in applied(client)) == [migration.version for migration in shipped()]


def test_each_migration_is_recorded_once(client):
    migrate(client, "here", shipped())
    assert applied(client) == [(migration.version, migration.name) for migration in shipped()]


def test_every_shipped_migration_may_run_again_after_a_crash_before_it_was_recorded(client):
    client.command("TRUNCATE TABLE schema_migrations")
    migrate(client, "here", shipped())
    assert len(applied(client)) == len(shipped())


def test_a_migration_that_fails_half_way_is_run_again_as_a_whole(client):
    version = shipped()[-1].version + 1
    with pytest.raises(Exception, match="NoSuchType"):
        migrate(client, "here", [*shipped(), Migration(version, "probe", (GOOD, BAD))])
    assert len(applied(client)) == len(shipped())
    migrate(client, "here", [*shipped(), Migration(version, "probe", (GOOD,))])
    assert applied(client)[-1] == (version, "probe")


def test_a_store_of_a_later_release_is_refused_with_both_versions(client):
    later = Migration(shipped()[-1].version + 7, "later", ())
    migrate(client, "here", [*shipped(), later])
    with pytest.raises(StoreNewer, match=rf"here has schema {later.version:04}.*up to {shipped()[-1].version:04}"):
        migrate(client, "here", shipped())
