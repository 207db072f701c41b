"""Numbered SQL files, applied once each. After a crash a file runs again as a whole: its statements must bear that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Final

from .faults import StoreNewer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from clickhouse_connect.driver.client import Client

_APPLIED: Final = """\
CREATE TABLE IF NOT EXISTS schema_migrations
(version UInt32, name String, applied DateTime64(3, 'UTC') DEFAULT now64(3))
ENGINE = MergeTree ORDER BY version"""
_FILE: Final = re.compile(r"(\d{4})_(\w+)\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    version: int
    name: str
    statements: tuple[str, ...]


def shipped() -> list[Migration]:
    """The migrations of this release, oldest first."""
    files = (resources.files(__package__) / "migrations").iterdir()
    found = ((_FILE.fullmatch(file.name), file) for file in files)
    return sorted(
        (Migration(int(m[1]), m[2], tuple(_statements(file.read_text("utf-8")))) for m, file in found if m),
        key=lambda migration: migration.version,
    )


def statements() -> Iterator[str]:
    """All that makes this release's tables in an empty database, in order."""
    yield _APPLIED
    for migration in shipped():
        yield from migration.statements


def as_written(statement: str) -> Iterable[str]:
    """For one server."""
    return (statement,)


def migrate(
    client: Client, place: str, migrations: Sequence[Migration], render: Callable[[str], Iterable[str]] = as_written
) -> None:
    """Bring the tables up to ``migrations``; raises StoreNewer when the store is already past them. One that was
    numbered below the newest after that was applied, in another branch of the work, is applied late. ``render`` gives
    the statements that do on all servers of a cluster what one statement does on one.
    """
    _command(client, render(_APPLIED))
    applied = {int(row[0]) for row in client.query("SELECT version FROM schema_migrations").result_rows}
    latest = migrations[-1].version
    if newest := max((version for version in applied if version > latest), default=0):
        raise StoreNewer(
            f"the store at {place} has schema {newest:04}, this release of spanledger knows up to {latest:04}: "
            "start the release that wrote it or a later one (pip install --upgrade 'spanledger[server]')"
        )
    for migration in migrations:
        if migration.version not in applied:
            _apply(client, migration, render)


def _apply(client: Client, migration: Migration, render: Callable[[str], Iterable[str]]) -> None:
    for statement in migration.statements:
        _command(client, render(statement))
    # Not by client.insert, which imports pandas: half a second of every start.
    parameters = {"version": migration.version, "name": migration.name}
    client.command("INSERT INTO schema_migrations (version, name) VALUES ({version:UInt32}, {name:String})", parameters)


def _command(client: Client, statements: Iterable[str]) -> None:
    for statement in statements:
        client.command(statement)


def _statements(sql: str) -> Iterator[str]:
    """Statements end with a semicolon at the end of a line; ``--`` starts a comment only at the start of one."""
    code = "\n".join(line for line in sql.splitlines() if not line.lstrip().startswith("--"))
    return (statement.strip() for statement in re.split(r";\s*(?:\n|$)", code) if statement.strip())
