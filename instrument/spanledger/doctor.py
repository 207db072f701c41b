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
from .settings import CONTENT, DEFAULT_ENDPOINT, TRACES_PATH, BadSettingError, Settings, from_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ._patch import Patch

_WAIT: Final = 2.0  # seconds for the collector to answer
_TWO_WAYS: Final = f"""\
  SPANLEDGER_ENDPOINT is not set.
  `spanledger run` and spanledger.init(): every call, to {DEFAULT_ENDPOINT}, through a provider
  of our own, apart from the application's.
  `opentelemetry-instrument` and spanledger.instrument(): through the application's tracer provider. {{sampled}}"""
_SAMPLERS: Final = {
    "always_on": (1.0, False),
    "parentbased_always_on": (1.0, True),
    "always_off": (0.0, False),
    "parentbased_always_off": (0.0, True),
    "traceidratio": (None, False),
    "parentbased_traceidratio": (None, True),
}  # name in OTEL_TRACES_SAMPLER -> the share it keeps (None: OTEL_TRACES_SAMPLER_ARG), whether a caller decides first
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
        report.say(_TWO_WAYS.format(sampled=sampled(os.environ)))
    else:
        report.say(
            "  Every call, through a provider of our own that is not sampled. The application's spans stay its own."
        )
        if settings.endpoint == os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").rstrip("/"):
            report.say(
                "  note     the application's own spans go to the same collector; each call is counted once there"
            )
    _answers(report, settings.endpoint or DEFAULT_ENDPOINT, settings.token)
    report.say("\nWhat is recorded")
    _options(report, settings)
    report.say("\nNames and keys")
    report.good(f"service: {os.environ.get('OTEL_SERVICE_NAME') or f'the name of the script (here {script_name()!r})'}")
    report.good(f"tags on every call: {', '.join(f'{k}={v}' for k, v in settings.tags.items()) or 'none'}")
    if settings.hash_key is None:
        report.say("  note     SPANLEDGER_HASH_KEY is not set: fingerprints of prompts compare within one process only")


def sampled(environ: Mapping[str, str]) -> str:
    """What the sampler that the environment asks for takes out of the ledger, in words."""
    name = environ.get("OTEL_TRACES_SAMPLER", "").strip().lower() or "parentbased_always_on"
    if name not in _SAMPLERS:
        return (
            f"OTEL_TRACES_SAMPLER={name}: what it drops is not in the ledger. Set SPANLEDGER_ENDPOINT to lose nothing."
        )
    share, by_caller = _SAMPLERS[name]
    kept = _ratio(environ) if share is None else share
    also = " Where a calling service did not sample its trace, nothing of it is kept." if by_caller else ""
    if kept >= 1:
        return f"Its sampler ({name}) keeps every call unless the code sets another.{also}"
    return (
        f"Its sampler ({name}) keeps {kept:.4g} of the calls: {1 - kept:.2%} would be lost to the ledger.{also}"
        " Set SPANLEDGER_ENDPOINT to lose nothing."
    )


def _ratio(environ: Mapping[str, str]) -> float:
    """As the SDK reads it: 1 when it cannot be read."""
    try:
        return min(1.0, max(0.0, float(environ.get("OTEL_TRACES_SAMPLER_ARG", "1"))))
    except ValueError:
        return 1.0


def _options(report: Report, settings: Settings) -> None:
    if settings.content:
        report.say(f"  note     {CONTENT} is set: prompts and replies leave the process")
    elif os.environ.get(CONTENT, "").strip().lower() == "event_only":
        report.say(f"  note     {CONTENT}=event_only: no events are made; span_only puts content on the spans")
    else:
        report.good("no prompt, no reply")
    streams = "asked of the provider" if settings.stream_usage else "measured where the application asks for it"
    report.good(f"usage of chat streams: {streams} (SPANLEDGER_STREAM_USAGE)")
    names = ", ".join(sorted(settings.metrics)) or "none"
    report.good(f"metrics, where the application has a meter provider: {names} (SPANLEDGER_METRICS)")
    report.good(f"tags in W3C baggage: {', '.join(sorted(settings.baggage)) or 'none'} (SPANLEDGER_BAGGAGE)")


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
