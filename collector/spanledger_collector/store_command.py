"""`spanledger store backup|restore|check|move-to`: the data directory looked after while no collector uses it."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from spanledger_collector.custody.held import CustodyFault, held
from spanledger_collector.settings import default_data
from spanledger_collector.store import StoreFault
from spanledger_collector.store.clients import connect, place
from spanledger_collector.store.cluster import Cluster
from spanledger_collector.store.migration import as_written, statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanledger_collector.custody.inspect import Inspection

FAILED: Final = 1


def main(argv: Sequence[str]) -> int:
    """Back up, restore, check or move a ledger (stop its collector first: a store has one owner), or print its DDL."""
    options = _parser().parse_args(argv[1:] if argv[:1] == ["store"] else argv)
    try:
        code: int = options.run(options)
    except (CustodyFault, StoreFault) as error:
        print(f"spanledger: {error}", file=sys.stderr)  # noqa: T201 - the command's own voice
        return FAILED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("spanledger store", description=main.__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    backup = commands.add_parser("backup", help="write the data directory, log included, to one file")
    backup.add_argument("file", type=Path, metavar="FILE")
    backup.set_defaults(run=_backup)
    restore = commands.add_parser("restore", help="make a data directory from a back-up, verified")
    restore.add_argument("file", type=Path, metavar="FILE")
    restore.set_defaults(run=_restore)
    check = commands.add_parser("check", help="read all of a data directory, a server's ledger or a back-up")
    check.add_argument("file", type=Path, nargs="?", metavar="FILE", help="a back-up; without it the data directory")
    check.add_argument("--dsn", metavar="URL", help="the ledger of a ClickHouse server: http(s)://...")
    check.set_defaults(run=_check)
    move = commands.add_parser("move-to", help="copy the embedded ledger to a ClickHouse server, verified")
    move.add_argument("dsn", metavar="URL", help="https://user:password@host:8443/database")
    move.add_argument("--cluster", default="", metavar="NAME", help="make the tables on all servers of this cluster")
    move.set_defaults(run=_move)
    ddl = commands.add_parser("ddl", help="print the statements that make the tables, for a server or a cluster")
    ddl.add_argument("--cluster", default="", metavar="NAME", help="as on all servers of this cluster")
    ddl.add_argument("--database", default="default", metavar="NAME", help="(default: default)")
    ddl.set_defaults(run=_ddl)
    for each in (backup, restore, check, move):
        each.add_argument("--data", type=Path, metavar="DIR", help=f"data directory (default: {default_data()})")
    return parser


def _backup(options: argparse.Namespace) -> int:
    from spanledger_collector.custody.archive import back_up

    manifest = back_up(_data(options), options.file)
    _say(f"{options.file}: {len(manifest.files)} files, {options.file.stat().st_size} bytes, each with its SHA-256")
    return 0


def _restore(options: argparse.Namespace) -> int:
    from spanledger_collector.custody.archive import restore

    data = _data(options)
    _tell(restore(options.file.absolute(), data), str(data))
    return 0


def _check(options: argparse.Namespace) -> int:
    from spanledger_collector.custody.inspect import inspect, inspect_store

    if options.file:
        from spanledger_collector.custody.archive import verify

        manifest = verify(options.file)
        _say(f"{options.file}: whole, {len(manifest.files)} files of {manifest.made}, spanledger {manifest.version}")
        return 0
    if options.dsn:
        with closing(connect(options.dsn)) as client:
            return _tell(inspect_store(client), place(options.dsn))
    data = _data(options)
    with held(data):
        return _tell(inspect(data), str(data))


def _move(options: argparse.Namespace) -> int:
    from spanledger_collector.custody.move import move

    if not options.dsn.startswith(("http://", "https://")):
        raise CustodyFault(f"{place(options.dsn)!r} is no server: give https://user:password@host:8443/database")
    for moved in move(_data(options), options.dsn, options.cluster, _progress):
        rows = "" if moved.held.rows is None else f"{moved.held.rows} rows, "
        _say(
            f"{moved.table}: {rows}{'equal in counts and sums' if moved.compared else 'not compared: its rows expire'}"
        )
    cluster = f" --cluster {options.cluster}" if options.cluster else ""
    _say(f"moved. From now on start the collector with --dsn {place(options.dsn)}{cluster} and keep --data for its log")
    return 0


def _ddl(options: argparse.Namespace) -> int:
    render = Cluster(options.cluster, options.database).render if options.cluster else as_written
    for statement in statements():
        for rendered in render(statement):
            _say(f"{rendered};")
    return 0


def _data(options: argparse.Namespace) -> Path:
    data: Path = (options.data or default_data(os.environ)).expanduser().absolute()
    return data


def _tell(found: Inspection, where: str) -> int:
    _say(f"{where}: schema {found.schema:04}, {found.calls} calls")
    for name, held_there in found.tables.items():
        cost = held_there.sums.get("cost")
        rows = "" if held_there.rows is None else f"{held_there.rows} rows"
        _say(f"  {name}: {', '.join(filter(None, (rows, f'cost {cost} USD' if cost is not None else '')))}")
    _say(f"  log: {found.log_records} requests in {found.log_segments} segments not yet in the store")
    for fault in found.faults:
        _say(f"  FAULT {fault}")
    return FAILED if found.faults else 0


def _progress(text: str) -> None:
    print(f"spanledger: {text}", file=sys.stderr, flush=True)  # noqa: T201 - the command's own voice


def _say(text: str) -> None:
    print(text)  # noqa: T201 - the command's own voice
