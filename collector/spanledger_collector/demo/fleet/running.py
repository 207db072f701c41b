"""The fleet as child processes, each started with ``spanledger run`` and stopped by its own process id."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spanledger import semconv
from spanledger_collector.demo.fleet.catalogue import ENVIRONMENT, SCRIPTS, SERVICES, Service

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

STOP_S = 8.0
LOG_BYTES = 5_000_000


@dataclass(frozen=True, slots=True)
class Addresses:
    """Base URLs: where spans go and where the simulated providers answer."""

    otlp_http: str
    simulator: str


def unpack(directory: Path) -> Path:
    """Copy the scripts to where a reader may look at them: code among installed packages has no call site."""
    directory.mkdir(parents=True, exist_ok=True)
    for service in SERVICES:
        shutil.copyfile(SCRIPTS / service.script, directory / service.script)
    return directory


class Fleet:
    """A context manager around the running services. Leaving it ends them, spans sent and all."""

    def __init__(self, directory: Path, addresses: Addresses, services: Iterable[Service] = SERVICES) -> None:
        self._directory = directory
        self._addresses = addresses
        self._services = tuple(services)
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Raises OSError when a script or log cannot be written, or Python not be started."""
        unpack(self._directory)
        for service in self._services:
            self._children[service.name] = self._spawn(service)

    def _spawn(self, service: Service) -> subprocess.Popen[bytes]:
        log = self._directory / f"{service.name}.log"
        mode = "wb" if log.exists() and log.stat().st_size > LOG_BYTES else "ab"
        command = [sys.executable, "-m", "spanledger", "run", sys.executable, str(self._directory / service.script)]
        with log.open(mode) as output:
            return subprocess.Popen(  # noqa: S603 - our own scripts
                command,
                env=environment(service, self._addresses, os.environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for the demo, which then stops its children in order
            )

    @property
    def ended(self) -> dict[str, int]:
        """Exit codes of services that ended by themselves."""
        codes = {name: child.poll() for name, child in self._children.items()}
        return {name: code for name, code in codes.items() if code is not None}

    def stop(self) -> None:
        """Interrupt each as Ctrl-C would, so that it flushes; kill by id what does not end."""
        running = [child for child in self._children.values() if child.poll() is None]
        for child in running:
            child.send_signal(signal.SIGINT)
        deadline = time.monotonic() + STOP_S
        for child in running:
            _end(child, max(0.1, deadline - time.monotonic()))
        self._children.clear()


def _end(child: subprocess.Popen[bytes], patience_s: float) -> None:
    try:
        child.wait(patience_s)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def environment(service: Service, addresses: Addresses, outer: Mapping[str, str]) -> dict[str, str]:
    """What a service is deployed with. Its own settings of OpenTelemetry and keys replace those of the shell."""
    kept = {name: value for name, value in outer.items() if not name.startswith(("OTEL_", "OPENAI_", "ANTHROPIC_"))}
    resource = {semconv.SERVICE_VERSION: service.version, semconv.ENVIRONMENT: ENVIRONMENT, semconv.DEMO: "true"}
    return {
        **kept,
        "SPANLEDGER_ENDPOINT": addresses.otlp_http,
        "SPANLEDGER_TAGS": f"team={service.team},feature={service.feature}",
        "OTEL_SERVICE_NAME": service.name,
        "OTEL_RESOURCE_ATTRIBUTES": ",".join(f"{name}={value}" for name, value in resource.items()),
        "OPENAI_API_KEY": service.key,
        "OPENAI_BASE_URL": f"{addresses.simulator}/v1",
        "ANTHROPIC_API_KEY": service.key,
        "ANTHROPIC_BASE_URL": addresses.simulator,
        "PYTHONUNBUFFERED": "1",
    }
