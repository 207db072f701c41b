"""`spanledger doctor`: what is patched in this environment, where spans go, and whether they arrive. In plain words."""

from __future__ import annotations

import argparse
import http.client
import os
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from ._registry import REGISTRY, SUPPORTED, Supported
from ._setup import script_name
from ._version import __version__
from .settings import DEFAULT_ENDPOINT, TRACES_PATH, BadSettingError, Settings, from_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ._patch import Patch

_WAIT: Final = 2.0  # seconds for the collector to answer
_TWO_WAYS: Final = f"""\
  SPANLEDGER_ENDPOINT is not set.
  `spanledger run` and spanledger.init(): every call, to {DEFAULT_ENDPOINT}, through a provider
  of our own, apart from the application's.
  `opentelemetry-instrument` and spanledger.instrument(): through the application's tracer provider; what its sampler
  drops is not in the ledger (OTEL_TRACES_SAMPLER: {{sampler}})."""
_OK, _UNAUTHORISED, _NOT_FOUND = 200, 401, 404


def main(arguments: Sequence[str]) -> int:
    """0 when calls would be recorded and would arrive, else 1."""
    parse = argparse.ArgumentParser(
        prog="spanledger doctor", description="Tell what is patched here, where spans go, and whether they arrive."
    )
    parse.parse_args(arguments)
    report = Report()
    report.say(f"spanledger {__version__}, Python {sys.version.partition(' ')[0]} at {sys.executable}")
    try:
        settings = from_environment()
    except BadSettingError as error:
        report.bad(f"Recording is off: {error}")
        return 1
    _sdks(report)
    _destination(report, settings)
    return 1 if report.problems else 0


class Report:
    def __init__(self) -> None:
        self.problems = 0

    def say(self, text: str) -> None:
        sys.stdout.write(f"{text}\n")

    def good(self, text: str) -> None:
        self.say(f"  ok       {text}")

    def bad(self, text: str) -> None:
        self.problems += 1
        self.say(f"  PROBLEM  {text}")


def _sdks(report: Report) -> None:
    report.say("\nSDKs")
    installed = {row: _version(row.distribution) for row in SUPPORTED}
    for row, number in installed.items():
        if number is None:
            report.say(f"  -        {row.distribution} is not installed")
        else:
            _patches(report, row, number)
    if not any(installed.values()):
        report.bad("No supported SDK is installed in this environment: there is nothing to record")


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _patches(report: Report, sdk: Supported, number: str) -> None:
    was_on = REGISTRY.on
    REGISTRY.patch()
    try:
        rows = list(_applied(sdk))
    finally:
        if not was_on:
            REGISTRY.unpatch()
    fitting = [path for path, found, _ in rows if found == "patched"]
    report.good(f"{sdk.distribution} {number}: {len(fitting)} patches fit")
    for path, found, required in rows:
        if found != "patched" and required:
            report.bad(f"{path} {found}: its calls are not recorded")


def _applied(sdk: Supported) -> Iterator[tuple[str, str, bool]]:
    import_module(sdk.first or sdk.package)
    for module, patches in list(REGISTRY.patches.items()):
        if f"{module}.".startswith(f"{sdk.package}."):
            missing = _import(module)
            for patch in patches:
                yield _row(patch, missing)


def _row(patch: Patch, missing: bool) -> tuple[str, str, bool]:  # noqa: FBT001
    return f"{patch.module}:{patch.path}", patch.found, patch.required and not missing


def _import(module: str) -> bool:
    """Whether this version of the SDK lacks the module."""
    try:
        import_module(module)
    except ModuleNotFoundError:
        return True
    return False


def _destination(report: Report, settings: Settings) -> None:
    report.say("\nWhere spans go")
    if settings.disabled:
        report.bad("SPANLEDGER_DISABLED is set: nothing is recorded")
    if settings.endpoint is None:
        report.say(_TWO_WAYS.format(sampler=os.environ.get("OTEL_TRACES_SAMPLER", "not set")))
    _answers(report, settings.endpoint or DEFAULT_ENDPOINT, settings.token)
    report.say("\nNames and keys")
    report.good(f"service: {os.environ.get('OTEL_SERVICE_NAME') or f'the name of the script (here {script_name()!r})'}")
    report.good(f"tags on every call: {', '.join(f'{k}={v}' for k, v in settings.tags.items()) or 'none'}")
    if settings.hash_key is None:
        report.say("  note     SPANLEDGER_HASH_KEY is not set: fingerprints of prompts compare within one process only")


def _answers(report: Report, endpoint: str, token: str | None) -> None:
    try:
        status = _post(endpoint, token)
    except OSError as error:
        report.bad(f"{endpoint} does not answer ({type(error).__name__}). Start one: spanledger up")
        return
    if status == _OK:
        report.good(f"{endpoint} takes spans")
    elif status == _UNAUTHORISED:
        report.bad(f"{endpoint} wants another token: set SPANLEDGER_TOKEN to the collector's")
    elif status == _NOT_FOUND:
        report.bad(f"{endpoint} has no {TRACES_PATH}: is it the OTLP/HTTP port (4318 by default)?")
    else:
        report.bad(f"{endpoint} answered with HTTP status {status}")


def _post(endpoint: str, token: str | None) -> int:
    """Send a request without spans, as valid as any, and return the status."""
    url = urlsplit(endpoint)
    assert url.hostname is not None
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.hostname, url.port, timeout=_WAIT)
    headers = {"content-type": "application/x-protobuf"} | ({"authorization": f"Bearer {token}"} if token else {})
    try:
        connection.request("POST", url.path + TRACES_PATH, body=b"", headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()
