"""`spanledger demo`: a ledger of its own with made-up traffic, so that every page has something to show.

The collector, the dashboard, the services and the loading of the month are child processes; the simulated providers
are a thread here. Ctrl-C stops senders before the collector, so that nothing they sent is lost.
"""

from __future__ import annotations

import argparse
import importlib.util
import signal
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Final

from spanledger_collector.dashboard_process import DashboardProcess
from spanledger_collector.demo.backfill import CALLS, Notes, NotesUnreadable
from spanledger_collector.demo.children import Child, CollectorEnded, start_collector
from spanledger_collector.demo.fleet.catalogue import REQUESTS_PER_MINUTE
from spanledger_collector.demo.fleet.running import Addresses, Fleet
from spanledger_collector.demo.history.incidents import INCIDENTS
from spanledger_collector.demo.history.seasons import ahead
from spanledger_collector.demo.provider_state import Conditions
from spanledger_collector.demo.simulator import Simulator
from spanledger_collector.listener import CannotStart
from spanledger_collector.settings import default_data

if TYPE_CHECKING:
    from collections.abc import Sequence

CANNOT_START: Final = 1
INTERRUPTED: Final = 130
CONDITIONS: Final = Conditions(
    first_token_s=0.35,
    token_s=0.004,
    failure_share=0.01,
    requests_per_minute=REQUESTS_PER_MINUTE,
    recorded=100,
)
SDKS: Final = ("openai", "anthropic")


class NotADemo(Exception):
    """The data directory holds a real ledger; the text names it and the remedy."""


def main(argv: Sequence[str] | None = None) -> int:
    """Show Spanledger with made-up traffic: simulated providers, five services and a month of history."""
    given = list(sys.argv[1:] if argv is None else argv)
    options = _parser().parse_args(given[1:] if given[:1] == ["demo"] else given)
    data = (options.data or _default_data()).expanduser().absolute()
    for name in SDKS:
        if importlib.util.find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    try:
        notes = claim(data, options.calls)
        with ExitStack() as running:
            return Demo(options, data, notes, running).run()
    except CollectorEnded as ended:
        return ended.code
    except KeyboardInterrupt:  # a second Ctrl-C
        return INTERRUPTED
    except (CannotStart, NotADemo, NotesUnreadable) as error:
        _say(str(error))
    except OSError as error:
        _say(f"cannot start: {error}")
    return CANNOT_START


def _default_data() -> Path:
    """Beside the real ledger, never in it."""
    usual = default_data()
    return usual.with_name(f"{usual.name}-demo")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("spanledger demo", description=main.__doc__)
    parser.add_argument("--data", type=Path, metavar="DIR", help=f"a directory of its own (default: {_default_data()})")
    parser.add_argument(
        "--calls", type=_count, default=CALLS, metavar="N", help="calls in the month of history (default: %(default)s)"
    )
    parser.add_argument("--no-fleet", action="store_true", help="no services that go on calling: history only")
    parser.add_argument("--no-dashboard", action="store_true", help="no pages")
    parser.add_argument(
        "--port", type=int, default=8501, metavar="PORT", help="the dashboard's port, 0: any (default: 8501)"
    )
    for name, port in (("otlp-http", 4318), ("otlp-grpc", 4317), ("api", 4319)):
        parser.add_argument(
            f"--{name}",
            default=f"127.0.0.1:{port}",
            metavar="HOST:PORT",
            help="the collector's listener (default: %(default)s; port 0: any)",
        )
    return parser


def _count(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of calls: give 0 or more, for example {CALLS}")
    return int(text)


def claim(data: Path, calls: int) -> Notes:
    """The notes of this demo store, made if it is new. Raises NotADemo and NotesUnreadable."""
    notes = Notes.read(data)
    if notes is None:
        if (data / "store").exists() or (data / "wal").exists():
            raise NotADemo(
                f"{data} holds a ledger that is no demo, and made-up traffic must not enter it: "
                "choose another directory with --data"
            )
        notes = Notes.fresh(calls, time.time_ns())
        notes.write(data)
    elif notes.calls != calls:
        _say(f"{data} was made with --calls {notes.calls}, which stays; remove the directory to start a new demo")
    return notes


class Demo:
    """Everything that runs, in the order it starts; ``running`` ends it in reverse."""

    def __init__(self, options: argparse.Namespace, data: Path, notes: Notes, running: ExitStack) -> None:
        self._options, self._data, self._notes, self._running = options, data, notes, running
        self._stop = threading.Event()
        self._dashboard = None if options.no_dashboard else DashboardProcess(options.port, _say)

    def run(self) -> int:
        """Start everything, wait for Ctrl-C. Raises CannotStart, CollectorEnded and OSError."""
        if self._dashboard:
            self._dashboard.check()
        self._listen_for_signals()
        simulator = self._running.enter_context(Simulator(CONDITIONS))
        collector = start_collector(self._data, self._listeners())
        self._running.callback(collector.process.stop)
        if self._dashboard:
            self._running.enter_context(self._dashboard)
            self._dashboard.start(collector.api)
        history = self._load(collector.otlp_http, collector.api)
        fleet = self._start_fleet(Addresses(collector.otlp_http, simulator.url))
        self._introduce(collector.otlp_http, collector.api, simulator.url)
        code = self._watch(collector.process, history, fleet)
        self._running.close()
        if fleet and history.code == 0:
            self._note_covered()
        return code

    def _listeners(self) -> list[str]:
        options = self._options
        return ["--otlp-http", options.otlp_http, "--otlp-grpc", options.otlp_grpc, "--api", options.api]

    def _load(self, otlp_http: str, api: str) -> Child:
        command = [sys.executable, "-m", "spanledger_collector.demo.backfill"]
        places = ["--endpoint", otlp_http, "--api", api, "--data", str(self._data), "--calls", str(self._notes.calls)]
        history = Child([*command, *places], patience_s=10)
        self._running.callback(history.stop)
        return history

    def _start_fleet(self, addresses: Addresses) -> Fleet | None:
        if self._options.no_fleet:
            return None
        fleet = Fleet(self._data / "services", addresses)
        self._running.callback(fleet.stop)
        fleet.start()
        return fleet

    def _introduce(self, otlp_http: str, api: str, simulator: str) -> None:
        lines = [
            f"OTLP/HTTP   {otlp_http}",
            f"API         {api}",
            f"Providers   {simulator} (simulated, nobody pays)",
            f"Data        {self._data} (remove it to start anew)",
        ]
        if not self._options.no_fleet:
            lines.append(f"Services    {self._data / 'services'} (ordinary programs, their logs beside them)")
        lines += ["", "Everything in this ledger is made up. Worth finding in it, times in UTC:"]
        hours = ahead(self._notes.anchor_hour)
        begun = {each.label: each.during(self._notes.anchor_hour + hours).start - hours for each in INCIDENTS}
        lines += [f"  {_when(start)}  {label}" for label, start in begun.items()]
        print("\n".join([*lines, "", "Ctrl-C stops everything."]), flush=True)  # noqa: T201 - the command's own voice

    def _watch(self, collector: Child, history: Child, fleet: Fleet | None) -> int:
        """Wait for a signal; tell once of each child that ends before."""
        told: set[str] = set()
        while not self._stop.wait(0.5):
            if collector.code is not None:
                _say(f"the collector ended with exit code {collector.code}; stopping the rest")
                return collector.code or CANNOT_START
            ended = fleet.ended if fleet else {}
            if history.code:
                ended["the loading of the history"] = history.code
            for name in ended.keys() - told:
                told.add(name)
                _say(f"{name} ended with exit code {ended[name]}; its log is in {self._data / 'services'}")
        _say("stopping ...")
        return 0

    def _note_covered(self) -> None:
        """The services were calling until now: nothing is missing up to here."""
        notes = Notes.read(self._data) or self._notes
        replace(notes, loaded_until_ns=time.time_ns()).write(self._data)

    def _listen_for_signals(self) -> None:
        previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}

        def first(_number: int, _frame: object) -> None:
            self._stop.set()
            for number, handler in previous.items():
                signal.signal(number, handler)

        for number in previous:
            signal.signal(number, first)


def _when(hour: int) -> str:
    return datetime.fromtimestamp(hour * 3600, timezone.utc).strftime("%d %b %H:%M")


def _say(text: str) -> None:
    print(f"spanledger demo: {text}", file=sys.stderr, flush=True)  # noqa: T201 - the command's own voice
