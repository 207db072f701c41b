"""An unmodified program, recorded in three ways; and what happens at its exit."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.otlp_receiver import OtlpReceiver

from spanledger._run import AUTOLOAD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanledger_collector.demo.simulator import Simulator

HERE = Path(__file__).parent
APP = str(HERE / "programs" / "app.py")
BIN = Path(sys.executable).parent


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as running:
        yield running


@pytest.fixture
def env(provider: Simulator) -> dict[str, str]:
    """What the program's process sees: the provider's address and nothing of Spanledger's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "SPANLEDGER_"))}
    kept.pop("PYTHONPATH", None)
    addresses = {"OPENAI_BASE_URL": f"{provider.url}/v1", "ANTHROPIC_BASE_URL": provider.url}
    return kept | addresses | {"OPENAI_API_KEY": "test", "ANTHROPIC_API_KEY": "test", "OTEL_SERVICE_NAME": "shop"}


def run(*command: str, env: dict[str, str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def ledger(receiver: OtlpReceiver) -> list[tuple[str, str]]:
    spans = [span for span in receiver.spans if "spanledger.outcome" in span]
    return sorted((span["gen_ai.request.model"], span["spanledger.outcome"]) for span in spans)


EXPECTED = [("claude-sonnet-5", "abandoned"), ("gpt-4.1", "ok"), ("gpt-4.1", "ok")]


def check(receiver: OtlpReceiver, done: subprocess.CompletedProcess[str], service: str = "shop") -> None:
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
    assert ledger(receiver) == EXPECTED
    assert {resource["service.name"] for resource in receiver.resources} == {service}
    assert {span["code.file.path"] for span in receiver.spans if "code.file.path" in span} == {APP}


def test_spanledger_run(receiver: OtlpReceiver, env: dict[str, str]) -> None:
    command = [str(BIN / "spanledger"), "run", "--endpoint", receiver.url, "--tag", "team=core", sys.executable, APP]
    check(receiver, run(*command, env=env))
    assert all(span["spanledger.tag.team"] == "core" for span in receiver.spans)


def test_autoload_on_pythonpath(receiver: OtlpReceiver, env: dict[str, str]) -> None:
    env |= {"PYTHONPATH": AUTOLOAD, "SPANLEDGER_ENDPOINT": receiver.url, "SPANLEDGER_TOKEN": "secret"}
    del env["OTEL_SERVICE_NAME"]
    env["OTEL_EXPORTER_OTLP_HEADERS"] = "api-key=another-backends"
    check(receiver, run(sys.executable, APP, env=env), service="app")
    assert {headers["authorization"] for headers in receiver.headers} == {"Bearer secret"}
    assert not any("another-backends" in str(headers) for headers in receiver.headers)


def opentelemetry_instrument(env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    env |= {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    return run(str(BIN / "opentelemetry-instrument"), sys.executable, APP, env=env)


def test_opentelemetry_instrument_uses_the_applications_provider(receiver: OtlpReceiver, env: dict[str, str]) -> None:
    env |= {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
    done = opentelemetry_instrument(env)
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert len(receiver.spans) == 3


def test_opentelemetry_instrument_with_our_endpoint_leaves_the_applications_place_alone(
    receiver: OtlpReceiver, env: dict[str, str]
) -> None:
    with OtlpReceiver() as applications:
        env |= {"OTEL_EXPORTER_OTLP_ENDPOINT": applications.url, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
        opentelemetry_instrument(env | {"SPANLEDGER_ENDPOINT": receiver.url})
        assert ledger(receiver) == EXPECTED
        assert ledger(applications) == []


def test_an_absent_collector_costs_one_line(env: dict[str, str]) -> None:
    done = run(str(BIN / "spanledger"), "run", "--endpoint", "http://127.0.0.1:9", sys.executable, APP, env=env)
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert done.stderr.count("\n") == 1
    assert "http://127.0.0.1:9" in done.stderr


def test_forked_and_spawned_children_send_their_own_calls_once(receiver: OtlpReceiver, env: dict[str, str]) -> None:
    # Python 3.12 and later warn of a fork beside any thread, and the exporter is one.
    env |= {"PYTHONWARNINGS": "ignore:This process:DeprecationWarning"}
    program = str(HERE / "programs" / "forks.py")
    done = run(str(BIN / "spanledger"), "run", "--endpoint", receiver.url, sys.executable, program, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert ledger(receiver) == [("forked", "ok"), ("parent", "ok"), ("streaming", "ok"), ("worker", "ok")]


def test_a_hidden_sitecustomize_still_runs(receiver: OtlpReceiver, env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import builtins\nbuiltins.theirs = 'ran'\n")
    env |= {"PYTHONPATH": os.pathsep.join([AUTOLOAD, str(tmp_path)]), "SPANLEDGER_ENDPOINT": receiver.url}
    done = run(sys.executable, "-c", "import sitecustomize as s; print(theirs, s.__file__)", env=env)
    assert done.stdout.split() == ["ran", str(tmp_path / "sitecustomize.py")]


def test_a_broken_setting_or_an_absent_library_does_not_stop_the_program(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "spanledger").mkdir()
    (tmp_path / "spanledger" / "__init__.py").write_text("raise RuntimeError('not this interpreter')\n")
    broken = env | {"PYTHONPATH": AUTOLOAD, "SPANLEDGER_ENDPOINT": "nonsense"}
    done = run(sys.executable, "-c", "print('ran')", env=broken)
    assert (done.returncode, done.stdout) == (0, "ran\n")
    assert "SPANLEDGER_ENDPOINT='nonsense' is not a URL" in done.stderr
    absent = env | {"PYTHONPATH": os.pathsep.join([AUTOLOAD, str(tmp_path)])}
    done = run(sys.executable, "-c", "print('ran')", env=absent)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ran\n", "")


def test_a_python_without_spanledger_is_told_once_by_run(env: dict[str, str], tmp_path: Path) -> None:
    venv.create(tmp_path / "theirs", symlinks=True)
    python = str(tmp_path / "theirs" / "bin" / "python")
    program = "import subprocess, sys; print('ran', flush=True); subprocess.run([sys.executable, '-c', 'print(1)'])"
    done = run(str(BIN / "spanledger"), "run", python, "-c", program, env=env)
    assert (done.returncode, done.stdout) == (0, "ran\n1\n")
    assert done.stderr == (
        f"spanledger run: {python} has no Spanledger, so nothing is recorded. "
        f"Install it there: {python} -m pip install spanledger\n"
    )
