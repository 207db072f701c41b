"""`spanledger dashboard`: checks what can go wrong before the first page, then hands over to Streamlit's server."""

from __future__ import annotations

import argparse
import errno
import json
import os
import socket
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

from spanledger_dashboard import signing_in, warm
from spanledger_dashboard.client import (
    API_VARIABLE,
    DEFAULT_API,
    TOKEN_VARIABLE,
    ApiError,
    Client,
    checked_url,
    loopback_host,
)
from spanledger_dashboard.signing_in import MODE_VARIABLE, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8501
_APP: Final = Path(__file__).with_name("app.py")
_OWN_NAMES: Final = ("localhost", "127.0.0.1", "::1")
_READY_SECONDS: Final = 60
_MISUSE: Final = 2
_HIGHEST_PORT: Final = 65_535


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the dashboard until it is stopped; the exit code."""
    options = _parser().parse_args(_without_command(sys.argv[1:] if argv is None else argv))
    try:
        _check_address(options.host, allow_remote=options.allow_remote)
        mode = signing_in.checked(options)
        api = _checked_api(options.api)
        port = _free_port(options.host, options.port)
    except Refused as refused:
        print(f"spanledger dashboard: {refused}", file=sys.stderr)  # noqa: T201 - the command's own voice
        return _MISUSE
    _warn_when_silent(api)
    os.environ |= {API_VARIABLE: api, MODE_VARIABLE: mode}
    url = f"http://{_url_host(options.host)}:{port}"
    warm.up()
    threading.Thread(target=_announce, args=(url, api, options.json), daemon=True).start()
    return _serve(options.host, port, [*_named(options), *signing_in.flags(options)])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("spanledger dashboard", description="Serve the pages. They read the API only.")
    parser.add_argument(
        "--api",
        default=os.environ.get(API_VARIABLE, DEFAULT_API),
        metavar="URL",
        help=f"the collector's API (default: {API_VARIABLE}, else {DEFAULT_API}); the token is in {TOKEN_VARIABLE}",
    )
    parser.add_argument("--host", default=DEFAULT_HOST, help=f"address to listen on (default: {DEFAULT_HOST})")
    parser.add_argument(
        "--port", type=_port, default=DEFAULT_PORT, help="port, 0 for a free one (default: %(default)s)"
    )
    parser.add_argument("--allow-remote", action="store_true", help="listen beyond this machine; viewers then sign in")
    signing_in.add_to(parser)
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name under which a proxy serves the pages; may be given several times",
    )
    parser.add_argument("--json", action="store_true", help="say in one line of JSON when pages are served")
    return parser


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > _HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give 0 (a free one) to {_HIGHEST_PORT}")
    return int(text)


def _without_command(argv: Sequence[str]) -> list[str]:
    """`spanledger` passes its own command word on."""
    return list(argv[1:] if argv[:1] == ["dashboard"] else argv)


def _check_address(host: str, *, allow_remote: bool) -> None:
    if not allow_remote and not loopback_host(host):
        raise Refused(
            f"--host {host} serves the ledger beyond this machine. Keep {DEFAULT_HOST} behind a proxy and name that "
            "with --allow-host, or say --allow-remote: viewers then sign in with a token of the API."
        )


def _checked_api(url: str) -> str:
    try:
        return checked_url(url).rstrip("/")
    except ValueError as error:
        raise Refused(f"--api {error}") from error


def _free_port(host: str, port: int) -> int:
    """The port itself, or for 0 one that nobody listens on now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Refused(_bind_refusal(host, port, error)) from error
        return int(probe.getsockname()[1])


def _bind_refusal(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} on {host} is in use. Stop what listens there, or choose another with --port (0: a free one)."
        )
    return f"cannot listen on {host} port {port}: {error.strerror or error}. Choose another --host or --port."


def _warn_when_silent(api: str) -> None:
    """The pages wait for a collector that starts later, so a missing one is no reason to stop."""
    try:
        Client.at(api, os.environ.get(TOKEN_VARIABLE) or None).status()
    except ApiError as error:
        remedies = {"unreachable": "Start it with `spanledger collect`", "refused": f"Set {TOKEN_VARIABLE}"}
        remedy = remedies.get(error.trouble, "See its log")
        text = f"spanledger dashboard: {error} {remedy}, or give another address with --api. The pages wait for it."
        print(text, file=sys.stderr)  # noqa: T201 - the command's own voice


def _announce(url: str, api: str, as_json: bool) -> None:  # noqa: FBT001 - a thread's argument
    """Say where the pages are, once they are."""
    deadline = time.monotonic() + _READY_SECONDS
    while not _answers(url):
        if time.monotonic() > deadline:
            return
        time.sleep(0.05)
    ready = json.dumps({"ready": True, "dashboard": url, "api": api, "pid": os.getpid()})
    _say_last(ready if as_json else f"Dashboard: {url}  (reads {api}; Ctrl-C stops it)")


def _say_last(line: str) -> None:
    """Nothing more goes to stdout: Streamlit says there that it stops, and would not stop once the reader is gone.

    So it is turned away before the line is out: who reads it may stop us at once.
    """
    sys.stdout.flush()
    with os.fdopen(os.dup(sys.stdout.fileno()), "w") as reader, Path(os.devnull).open("w") as nothing:
        os.dup2(nothing.fileno(), sys.stdout.fileno())
        print(line, file=reader, flush=True)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/_stcore/health", timeout=1, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _url_host(host: str) -> str:
    """An address a browser on this machine can open."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        return DEFAULT_HOST
    return f"[{host}]" if ":" in host else host


def _hosts(options: argparse.Namespace) -> list[str]:
    """Host names that requests may carry; empty for any. Without this a page elsewhere could rebind its name to us."""
    if options.allow_remote and not options.allow_host:
        return []
    return [*_OWN_NAMES, options.host, *options.allow_host]


def _named(options: argparse.Namespace) -> list[str]:
    return [word for name in dict.fromkeys(_hosts(options)) for word in ("--server.allowedHosts", name)]


def _serve(host: str, port: int, flags: Sequence[str]) -> int:
    """Run Streamlit's own command in this process: signals reach it, and nothing is left behind when it ends."""
    from streamlit.web import cli

    where = ["--server.address", host, "--server.port", str(port)]
    quiet = ["--logger.hideWelcomeMessage", "true", "--logger.level", "warning"]
    try:
        cli.main(["run", str(_APP), *where, *quiet, *flags], standalone_mode=False)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0
