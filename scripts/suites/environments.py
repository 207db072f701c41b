"""Getting an SDK's own tests and a virtual environment to run them in. Fetched once, kept in .cache/sdk-suites."""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from suites.table import Suite

ROOT: Final = Path(__file__).resolve().parents[2]
CACHE: Final = ROOT / ".cache" / "sdk-suites"
LIBRARY: Final = CACHE / f"library-{os.getpid()}"
UV: Final = ROOT / ".venv" / "bin" / "uv"
_TOOLS: Final = re.compile(r"(pyright|mypy|ruff|ty|nox|types-.*|.*-stubs)$", re.IGNORECASE)
# Refuse what would land elsewhere, where Python can: 3.10.12 and 3.11.4 on, and Debian 12 has 3.11.2.
_CHECKED: Final[dict[str, Any]] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")

_REMEDY: Final = (
    "\nThe package index has to be reachable for what is not in .cache/sdk-suites yet: check the network and pip's "
    "settings (PIP_INDEX_URL, proxies), or bring that folder from a machine that has it."
)


class SuiteBroken(Exception):
    """The comparison cannot be made: says which suite, and why."""


def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, check=False, capture_output=True, text=True, **options)
    if done.returncode:
        raise SuiteBroken(f"{' '.join(command[:6])} ... failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}{_REMEDY}")
    return done


def source(suite: Suite) -> Path:
    """The unpacked source distribution, fetched once."""
    folder = CACHE / "sources" / suite.distribution
    if folder.exists():
        return folder
    pip = CACHE / "pip"
    if not pip.exists():
        run([str(UV), "venv", "--quiet", "--seed", "--python", sys.executable, str(pip)])
    archives = CACHE / "archives"
    download = [str(pip / "bin" / "python"), "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    download += ["--no-deps", "--no-binary", suite.package, "--dest", str(archives)]
    run([*download, f"{suite.package}=={suite.version}"])
    with tarfile.open(archives / f"{suite.distribution}.tar.gz") as archive:
        archive.extractall(folder.parent, **_CHECKED)
    return folder


def requirements(folder: Path) -> list[str]:
    """What the SDK's own list for developers has, less linters and type stubs."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    groups, rye = project.get("dependency-groups", {}), project.get("tool", {}).get("rye", {})
    listed = groups.get("dev") or rye.get("dev-dependencies", [])
    return [each for each in listed if not _TOOLS.match(_NAME.findall(each)[0])]


def environment(suite: Suite, folder: Path) -> Path:
    """The Python of a virtual environment with the SDK, its test requirements and what the library depends on."""
    home = CACHE / "environments" / suite.name
    extras = f"[{','.join(suite.extras)}]" if suite.extras else ""
    wanted = [f"{suite.package}{extras}=={suite.version}", *requirements(folder), *suite.requirements]
    stamp = home / "wanted.json"
    if not stamp.exists() or json.loads(stamp.read_text()) != wanted:
        run([str(UV), "venv", "--quiet", "--clear", "--python", sys.executable, str(home)])
        python = str(home / "bin" / "python")
        run([str(UV), "pip", "install", "--quiet", "--python", python, *wanted, "-r", str(ROOT / "pyproject.toml")])
        stamp.write_text(json.dumps(wanted))
    return home / "bin" / "python"


def selected(suite: Suite, folder: Path, *, bounded: bool = False) -> list[str]:
    tests = folder / suite.tests
    if bounded:
        return [str((tests / path).relative_to(folder)) for path in suite.bounded if (tests / path).exists()]
    left_out = {path for glob in suite.left_out for path in tests.glob(glob)}
    files = [
        path
        for path in sorted(tests.rglob("test_*.py"))
        if path not in left_out and "api_resources" not in path.relative_to(tests).parts
    ]
    missing = [name for name in suite.resources if not (tests / name).exists()]
    if missing:
        raise SuiteBroken(f"{suite.name} has no tests/{missing[0]}; correct its row of SUITES")
    return [str(path.relative_to(folder)) for path in files + [tests / name for name in suite.resources]]


def library() -> Path:
    """A copy of the library as it is now, of this process's: it may be edited while the suites run."""
    shutil.copytree(ROOT / "instrument" / "spanledger", LIBRARY / "spanledger", ignore=shutil.ignore_patterns("*.pyc"))
    atexit.register(shutil.rmtree, LIBRARY, ignore_errors=True)
    return LIBRARY
