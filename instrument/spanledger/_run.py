"""`spanledger run [--endpoint URL] [--service NAME] [--tag KEY=VALUE]... COMMAND...`: any Python program, unchanged."""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .settings import DEFAULT_ENDPOINT, BadSettingError, checked_endpoint, parse_tags

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

AUTOLOAD: Final = str(Path(__file__).parent / "_autoload")
STARTED_PID: Final = "_SPANLEDGER_RUN_PID"
_NOT_FOUND: Final = 127  # what shells return for it


def parser() -> argparse.ArgumentParser:
    description = "Run a Python program with every LLM call recorded. The program is not changed."
    parse = argparse.ArgumentParser(prog="spanledger run", description=description)
    parse.add_argument("--endpoint", metavar="URL", help=f"the collector's address (default {DEFAULT_ENDPOINT})")
    parse.add_argument("--service", metavar="NAME", help="service name, when OTEL_SERVICE_NAME is not set")
    parse.add_argument("--tag", metavar="KEY=VALUE", action="append", default=[], help="a tag on every call")
    parse.add_argument("--print-path", action="store_true", help="print the folder that does it on PYTHONPATH, and end")
    parse.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND", help="for example: python app.py")
    return parse


def main(arguments: Sequence[str]) -> int:
    parse = parser()
    options = parse.parse_args(arguments)
    if options.print_path:
        sys.stdout.write(f"{AUTOLOAD}\n")
        return 0
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        parse.error("name the program to run, for example: spanledger run python app.py")
    try:
        prepare(os.environ, options.endpoint, options.service, options.tag)
    except BadSettingError as error:
        parse.error(str(error))
    if shutil.which(command[0]) is None:
        sys.stderr.write(f"spanledger run: {command[0]!r} is not a program on PATH\n")
        return _NOT_FOUND
    os.environ[STARTED_PID] = str(os.getpid())  # execvp keeps the process: it is told if its Python lacks Spanledger
    sys.stdout.flush()
    return os.execvp(command[0], command)  # noqa: S606 - running the user's command is what this is for


def prepare(env: MutableMapping[str, str], endpoint: str | None, service: str | None, tags: Sequence[str]) -> None:
    """Set what the program's process reads at its start; raises BadSettingError."""
    endpoint = checked_endpoint(endpoint, "--endpoint") if endpoint else None
    env["SPANLEDGER_ENDPOINT"] = endpoint or env.get("SPANLEDGER_ENDPOINT") or DEFAULT_ENDPOINT
    checked_endpoint(env["SPANLEDGER_ENDPOINT"], "SPANLEDGER_ENDPOINT")
    joined = ",".join(filter(None, [env.get("SPANLEDGER_TAGS", ""), *tags]))
    parse_tags(joined)
    if joined:
        env["SPANLEDGER_TAGS"] = joined
    if service:
        env.setdefault("OTEL_SERVICE_NAME", service)
    if not env.get("SPANLEDGER_TOKEN"):  # one key for all processes of this program: their fingerprints compare
        env.setdefault("SPANLEDGER_HASH_KEY", secrets.token_hex(16))
    paths = [path for path in env.get("PYTHONPATH", "").split(os.pathsep) if path and path != AUTOLOAD]
    env["PYTHONPATH"] = os.pathsep.join([AUTOLOAD, *paths])
