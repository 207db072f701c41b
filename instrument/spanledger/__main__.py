"""The console command. Commands of the other packages are imported when they are given, never before."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple

from ._version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

_COLLECTOR: Final = "spanledger_collector.command"
_DASHBOARD: Final = "spanledger_dashboard.command"


class Command(NamedTuple):
    module: str
    extra: str  # what to install for it; "" when nothing more
    help: str
    own: bool = False  # our own modules take the arguments without the command's name


COMMANDS: Final = {
    "run": Command("spanledger._run", "", "run a Python program with every LLM call recorded", own=True),
    "doctor": Command(
        "spanledger.doctor", "", "tell what is patched here, where spans go, and whether they arrive", own=True
    ),
    "up": Command(_COLLECTOR, "server", "start collector, store and dashboard on this machine"),
    "collect": Command(_COLLECTOR, "collector", "start the collector alone"),
    "demo": Command(_COLLECTOR, "demo", "start everything with made-up traffic"),
    "dashboard": Command(_DASHBOARD, "dashboard", "start the dashboard alone"),
    "prices": Command(_COLLECTOR, "collector", "show the price book, price calls from a file"),
    "allocation": Command(_COLLECTOR, "collector", "say whose cost it is, shared cost split"),
    "explain": Command(_COLLECTOR, "collector", "say why a call costs what it does"),
    "reconcile": Command(_COLLECTOR, "collector", "compare the ledger with a provider's bill"),
    "reprice": Command(_COLLECTOR, "collector", "price past days again, with a difference first"),
    "review": Command(_COLLECTOR, "collector", "make the cost review: HTML, PDF, CSV, FOCUS"),
    "budgets": Command(_COLLECTOR, "collector", "set what a team may spend in a month"),
    "config": Command(_COLLECTOR, "collector", "check the settings of a collector, or show them"),
    "store": Command(_COLLECTOR, "collector", "back up, restore, check a ledger, move it to a ClickHouse server"),
    "what-if": Command(_COLLECTOR, "collector", "estimate a month on another model or with more cache"),
    "alerts": Command(_COLLECTOR, "collector", "try alert rules on a history, and channels on a made-up alert"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 2 wrong usage or a missing extra; else the command's own."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] in (["--version"], ["-V"]):
        sys.stdout.write(f"spanledger {__version__}\n")
        return 0
    if not given or given[0] in ("-h", "--help", "help"):
        sys.stdout.write(usage())
        return 0 if given else 2
    command = COMMANDS.get(given[0])
    if command is None:
        sys.stderr.write(f"spanledger: there is no command {given[0]!r}; it is one of {', '.join(COMMANDS)}\n")
        return 2
    return _dispatch(command, given)


def usage() -> str:
    width = max(map(len, COMMANDS)) + 2
    rows = "".join(f"  {name:<{width}}{command.help}\n" for name, command in COMMANDS.items())
    return (
        f"usage: spanledger COMMAND [ARGUMENTS]\n\n{rows}\n`spanledger COMMAND --help` tells a command's arguments.\n"
    )


def _dispatch(command: Command, given: list[str]) -> int:
    try:
        run = import_module(command.module).main
        code: int = run(given[1:] if command.own else given)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if not command.extra or missing == "spanledger":
            raise
        sys.stderr.write(
            f"spanledger {given[0]}: {missing} is not installed; pip install 'spanledger[{command.extra}]'\n"
        )
        return 2
    return code


if __name__ == "__main__":
    sys.exit(main())
