"""One run of a suite in one mode: every test's outcome, and what the plugin saw in that process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from suites.environments import CACHE, LIBRARY, SuiteBroken

if TYPE_CHECKING:
    from suites.table import Suite

HERE: Final = Path(__file__).resolve().parent
RUN_LIMIT_S: Final = 1500
_WORST_FIRST: Final = ("error", "failure", "skipped")  # elements of a junit report


@dataclass(frozen=True)
class Run:
    outcomes: dict[str, str]  # test -> passed, failed, error, skipped
    seconds: float
    proof: dict[str, Any] = field(default_factory=dict)


def run_suite(suite: Suite, python: Path, folder: Path, tests: list[str], mode: str) -> Run:
    """`mode` is `plain` (without our plugin) or one of the plugin's. Raises SuiteBroken when the run gave no report."""
    results = CACHE / "results" / suite.name
    results.mkdir(parents=True, exist_ok=True)
    report, proof, log = (results / f"{mode}.{kind}" for kind in ("xml", "json", "log"))
    for old in (report, proof):
        old.unlink(missing_ok=True)
    plugin = [] if mode == "plain" else ["-p", "spanledger_activation"]
    pytest = [str(python), "-m", "pytest", *suite.arguments, *plugin, "-p", "no:cacheprovider", "-q"]
    pytest += ["-o", "junit_family=xunit1", f"--junitxml={report}", *tests]
    pytest += [f"--deselect={test}" for test in suite.deselected]
    began = time.monotonic()
    _watched([*_offline(), *pytest], folder, _variables(mode, proof), log)
    if not report.exists():
        raise SuiteBroken(f"{suite.name}, {mode}: pytest left no report within {RUN_LIMIT_S} s; see {log}")
    told = json.loads(proof.read_text()) if proof.exists() else {}
    return Run(outcomes(report), time.monotonic() - began, told)


def kept_run(suite: Suite, mode: str) -> Run | None:
    """What the last run in `mode` left, without what is not run any more; None when there was none.

    Tests that were other ones then are told as changed, like all that differs.
    """
    report = CACHE / "results" / suite.name / f"{mode}.xml"
    if not report.exists():
        return None
    found = {
        test: outcome for test, outcome in outcomes(report).items() if not test.startswith(tuple(suite.deselected))
    }
    return Run(found, 0.0)


def _offline() -> list[str]:
    unshare = shutil.which("unshare")
    if unshare is None:
        raise SuiteBroken("the suites run without a network, which needs `unshare` (util-linux); install it")
    room = [sys.executable, str(HERE / "offline_room.py")]
    return ["nice", unshare, "--net", "--map-root-user", "--kill-child", "--fork", *room]


def _variables(mode: str, proof: Path) -> dict[str, str]:
    """Few, and none of this machine's keys and settings."""
    home = CACHE / "home"
    home.mkdir(parents=True, exist_ok=True)
    told = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "PYTHONHASHSEED": "0"}
    if mode != "plain":
        told |= {
            "PYTHONPATH": os.pathsep.join([str(HERE / "plugin"), str(LIBRARY)]),
            "SPANLEDGER_SUITE_MODE": mode,
            "SPANLEDGER_SUITE_PROOF": str(proof),
        }
    return told


def _watched(command: list[str], folder: Path, variables: dict[str, str], log: Path) -> None:
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=folder, env=variables, stdout=output, stderr=subprocess.STDOUT)
        try:
            process.wait(RUN_LIMIT_S)
        except subprocess.TimeoutExpired:
            return
        finally:
            process.kill()
            process.wait()


def outcomes(report: Path) -> dict[str, str]:
    return {_test(case): _outcome({child.tag for child in case}) for case in ET.parse(report).iter("testcase")}


def _test(case: ET.Element) -> str:
    names = (case.get("file"), case.get("classname", "").rpartition(".")[2], case.get("name"))
    return "::".join(name or "" for name in names)


def _outcome(elements: set[str]) -> str:
    """A test that failed and whose tear-down failed too has both elements, and both count."""
    return "+".join(kind for kind in _WORST_FIRST if kind in elements) or "passed"
