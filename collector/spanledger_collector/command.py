"""`spanledger collect` and `spanledger up`, and where the other server commands live."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import os
import signal
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from spanledger_collector import configuration, logs, memory
from spanledger_collector.access import Tokens
from spanledger_collector.dashboard_process import DashboardProcess
from spanledger_collector.settings import Address, BadSetting, Settings, default_data, embedded_dsn, parse_headers
from spanledger_collector.tls import Tls

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from spanledger_collector.listeners import Endpoints

    Ready = Callable[[Settings, Endpoints], None]

# Commands of other modules: each has `main(argv) -> int` and gets the command's own name first.
ELSEWHERE: Final[Mapping[str, str]] = {
    "alerts": "spanledger_collector.alerts.command",
    "allocation": "spanledger_collector.ledger.command",
    "budgets": "spanledger_collector.review.budget_command",
    "config": "spanledger_collector.config_command",
    "demo": "spanledger_collector.demo.command",
    "explain": "spanledger_collector.ledger.command",
    "prices": "spanledger_collector.pricing.command",
    "reconcile": "spanledger_collector.ledger.command",
    "reprice": "spanledger_collector.ledger.command",
    "review": "spanledger_collector.review.command",
    "store": "spanledger_collector.store_command",
    "what-if": "spanledger_collector.review.what_if_command",
}
# What follows `collect`: each has `main(argv) -> int` and gets what follows its own name.
COLLECT: Final[Mapping[str, str]] = {
    "backfill": "spanledger_collector.backfill_command",
    "dead-letters": "spanledger_collector.dead_letters_command",
}
# Flag of each listener, its variable and where it binds by default.
LISTENERS: Final[Mapping[str, tuple[str, str]]] = {
    "otlp-http": ("SPANLEDGER_LISTEN_HTTP", "127.0.0.1:4318"),
    "otlp-grpc": ("SPANLEDGER_LISTEN_GRPC", "127.0.0.1:4317"),
    "api": ("SPANLEDGER_LISTEN_API", "127.0.0.1:4319"),
}
NUMBERS: Final[Mapping[str, str]] = {
    "SPANLEDGER_LOG_LIMIT_MIB": "give MiB",
    "SPANLEDGER_DISK_BUDGET_GIB": "give GiB",
    "SPANLEDGER_KEEP_SPANS_DAYS": "give a number of days",
    "SPANLEDGER_KEEP_CALLS_DAYS": "give a number of days",
}
CANNOT_START: Final = 1
USAGE: Final = 2
TLS_FILES: Final[Mapping[str, str]] = {
    "tls-cert": "certificate of the listeners, which then speak TLS",
    "tls-key": "its key",
    "tls-client-ca": "authority that signs the clients' certificates, which are then asked for",
}
INTERRUPTED: Final = 130


class Running(Protocol):
    """A collector of either kind."""

    def open(self) -> None:
        """Raises CannotStart."""

    async def run(self, stop: asyncio.Event, ready: Callable[[Endpoints], None]) -> None:
        """Until `stop` is set. Raises CannotStart."""

    def close(self) -> None: ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command, its name first; the exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    command = given[0] if given else ""
    if command != "config":
        try:
            configuration.load(os.environ)
        except BadSetting as error:
            _say(str(error))
            return USAGE
    if command in HERE:
        return HERE[command](given[1:])
    if command not in ELSEWHERE:
        _say(f"there is no command {command!r}; it is one of {', '.join([*HERE, *ELSEWHERE])}")
        return USAGE
    code: int = importlib.import_module(ELSEWHERE[command]).main(given)
    return code


def collect(argv: Sequence[str]) -> int:
    """Accept OTLP, keep the ledger and answer queries, until Ctrl-C."""
    if argv and argv[0] in COLLECT:
        code: int = importlib.import_module(COLLECT[argv[0]]).main(argv[1:])
        return code
    parser = _parser("spanledger collect", collect.__doc__)
    parser.epilog = f"There is also: {', '.join(f'spanledger collect {name}' for name in COLLECT)}"
    parser.add_argument("--json", action="store_true", help="print one line of JSON once spans are accepted")
    parser.add_argument("--agent", action="store_true", help="sidecar: no ledger, pass everything on to --forward")
    for name, what in TLS_FILES.items():
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", help=f"{what}, PEM")
    options = parser.parse_args(argv)
    return _run(parser, options, _print_json if options.json else _print_endpoints)


def up(argv: Sequence[str]) -> int:
    """Start collector, store and dashboard on this machine; Ctrl-C stops all of them."""
    parser = _parser("spanledger up", up.__doc__)
    parser.add_argument(
        "--port", type=int, default=8501, metavar="PORT", help="the dashboard's port, 0 for a free one (default: 8501)"
    )
    options = parser.parse_args(argv)
    return _run(parser, options, _print_endpoints, DashboardProcess(options.port, _say))


HERE: Final[Mapping[str, Callable[[list[str]], int]]] = {"collect": collect, "up": up}


def _parser(program: str, description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(program, description=description)
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings, TOML: see `spanledger config check`")
    parser.add_argument("--data", type=Path, metavar="DIR", help=f"data directory (default: {default_data()})")
    parser.add_argument("--dsn", metavar="URL", help="the store: http(s)://... of ClickHouse (default: inside --data)")
    parser.add_argument("--cluster", metavar="NAME", help="make the tables on all servers of this ClickHouse cluster")
    for flag, (_, address) in LISTENERS.items():
        parser.add_argument(f"--{flag}", metavar="HOST:PORT", help=f"(default: {address}; port 0: any)")
    parser.add_argument("--forward", metavar="URL", help="also send the same spans to this OTLP/HTTP endpoint")
    parser.add_argument("--follow", metavar="URL", help="read otel_traces of this ClickHouse server in place")
    parser.add_argument("--prices", type=Path, metavar="FILE", help="price overrides and discounts")
    parser.add_argument("--allocation", type=Path, metavar="FILE", help="whose cost it is, shared cost included")
    parser.add_argument("--log-limit", type=int, metavar="MIB", help="most the log may hold (default: 1024)")
    parser.add_argument("--disk-budget", type=int, metavar="GIB", help="warn before log and store grow past it")
    for what in ("spans", "calls"):
        help_text = f"let {what} go after so many days, by whole months (default: keep them)"
        parser.add_argument(f"--keep-{what}", type=int, metavar="DAYS", help=help_text)
    parser.add_argument("--demo", action="store_true", help="label everything here as made-up traffic")
    return parser


def settings_of(argv: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """What `spanledger collect` with these flags would be started with. Raises BadSetting."""
    return _settings(_parser("spanledger collect", None).parse_args(argv), environ)


def _settings(options: argparse.Namespace, environ: Mapping[str, str]) -> Settings:
    """Flags, then SPANLEDGER_* variables. Raises BadSetting."""
    data: Path = (options.data or default_data(environ)).expanduser().absolute()
    http, grpc, api = (
        Address.parse(getattr(options, flag.replace("-", "_")) or environ.get(variable) or default)
        for flag, (variable, default) in LISTENERS.items()
    )
    settings = Settings(
        data=data,
        dsn=options.dsn or environ.get("SPANLEDGER_DSN") or embedded_dsn(data),
        otlp_http=http,
        otlp_grpc=grpc,
        api=api,
        cluster=options.cluster or environ.get("SPANLEDGER_CLUSTER", ""),
        tokens=Tokens.from_environment(environ),
        tls=_tls(options, environ),
        agent=getattr(options, "agent", False),
        follow=options.follow or environ.get("SPANLEDGER_FOLLOW", ""),
        forward=options.forward or environ.get("SPANLEDGER_FORWARD", ""),
        forward_headers=parse_headers(environ.get("SPANLEDGER_FORWARD_HEADERS", "")),
        prices=options.prices or _path(environ, "SPANLEDGER_PRICES"),
        allocation=options.allocation or _path(environ, "SPANLEDGER_ALLOCATION"),
        alert_environment=tuple(item for item in environ.items() if item[0].startswith("SPANLEDGER_ALERT_")),
        review_environment=tuple(item for item in environ.items() if item[0].startswith("SPANLEDGER_REVIEW")),
        log_bytes=_number(options.log_limit, "SPANLEDGER_LOG_LIMIT_MIB", environ, 1024) * 2**20,
        disk_budget_bytes=_number(options.disk_budget, "SPANLEDGER_DISK_BUDGET_GIB", environ) * 2**30,
        keep_spans_days=_number(options.keep_spans, "SPANLEDGER_KEEP_SPANS_DAYS", environ),
        keep_calls_days=_number(options.keep_calls, "SPANLEDGER_KEEP_CALLS_DAYS", environ),
        demo=options.demo,
    )
    settings.check()
    return settings


def _path(environ: Mapping[str, str], variable: str) -> Path | None:
    return Path(environ[variable]) if environ.get(variable) else None


def _number(flag: int | None, variable: str, environ: Mapping[str, str], default: int = 0) -> int:
    """Raises BadSetting."""
    if flag is not None:
        return flag
    text = environ.get(variable, "").strip() or str(default)
    if not (text.isascii() and text.isdigit()):
        raise BadSetting(f"{variable}={text} is no whole number: {NUMBERS[variable]}")
    return int(text)


def _tls(options: argparse.Namespace, environ: Mapping[str, str]) -> Tls | None:
    """Raises BadSetting."""
    names = ("tls_cert", "tls_key", "tls_client_ca")
    given = [getattr(options, name, None) or environ.get(f"SPANLEDGER_{name.upper()}") for name in names]
    certificate, key, authority = (Path(each) if each else None for each in given)
    if certificate and key:
        return Tls(certificate, key, authority)
    if certificate or key or authority:
        raise BadSetting("TLS needs a certificate and its key: give both --tls-cert and --tls-key")
    return None


def _run(
    parser: argparse.ArgumentParser, options: argparse.Namespace, ready: Ready, beside: DashboardProcess | None = None
) -> int:
    from spanledger_collector.listener import CannotStart

    try:
        if options.config:
            configuration.load(os.environ, options.config)
        logs.set_up(os.environ)
        settings = _settings(options, os.environ)
        if beside:
            beside.check()
        _say(f"data directory: {settings.data}")
        service = _composed(settings)
        service.open()
    except BadSetting as error:
        parser.error(str(error))
    except CannotStart as error:
        return _cannot_start(error)
    try:
        with beside or nullcontext():
            asyncio.run(_until_signal(service, settings, ready, beside))
    except CannotStart as error:
        return _cannot_start(error)
    finally:
        service.close()
    return 0


def _composed(settings: Settings) -> Running:
    """The whole collector or the sidecar, which must not import what the whole one does."""
    if settings.agent:
        from spanledger_collector.agent import Agent

        return Agent(settings, _say)
    memory.without_pandas()
    from spanledger_collector.service import Service

    return Service(settings, _say)


async def _until_signal(service: Running, settings: Settings, ready: Ready, beside: DashboardProcess | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def first() -> None:
        _say("stopping: working off what was accepted ... (again to stop at once; nothing is lost)")
        stop.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
            signal.signal(number, _at_once)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, first)

    def accepting(endpoints: Endpoints) -> None:
        ready(settings, endpoints)
        if beside:
            beside.start(endpoints.api)

    await service.run(stop, accepting)


def _at_once(_number: int, _frame: object) -> None:
    """The log holds whatever is not in the store: leaving here is as safe as a power cut."""
    os._exit(INTERRUPTED)


def _print_json(_settings: Settings, endpoints: Endpoints) -> None:
    line = {
        "ready": True,
        "otlp_http": endpoints.otlp_http,
        "otlp_grpc": endpoints.otlp_grpc,
        "api": endpoints.api,
        "pid": os.getpid(),
    }
    _print(json.dumps(line))


def _print_endpoints(settings: Settings, endpoints: Endpoints) -> None:
    default = f"http://{Settings(settings.data, settings.dsn).otlp_http}"
    prefix = "" if endpoints.otlp_http == default else f"SPANLEDGER_ENDPOINT={endpoints.otlp_http} "
    lines = (
        f"OTLP/HTTP   {endpoints.otlp_http}",
        f"OTLP/gRPC   {endpoints.otlp_grpc}",
        f"API         {endpoints.api}",
        "",
        f"Record a program's LLM calls:  {prefix}spanledger run python app.py",
    )
    _print("\n".join(lines))


def _print(text: str) -> None:
    """Raises CannotStart where it cannot be written: who waits for it never learns where to send."""
    from spanledger_collector.listener import CannotStart

    try:
        print(text, flush=True)  # noqa: T201 - the command's own voice
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left of it is flushed at the exit
        raise CannotStart(
            f"the addresses cannot be written to standard output: {error.strerror}. "
            "Keep open what reads it, or send it to a file or to /dev/null"
        ) from error


def _cannot_start(error: Exception) -> int:
    _say(str(error))
    return CANNOT_START


def _say(text: str) -> None:
    try:
        print(logs.told(text), file=sys.stderr, flush=True)  # noqa: T201 - the command's own voice
    except OSError:  # nobody reads it: no reason to stop, nor to go on when told to stop, nor to end with an error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())  # what is left of it is flushed at the exit
