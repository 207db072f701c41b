"""Throw-away environments in .cache/dialects: virtual ones for Python, a folder of packages for Node."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from table import Emitter

ROOT: Final = Path(__file__).resolve().parents[2]
CACHE: Final = ROOT / ".cache" / "dialects"
UV: Final = ROOT / ".venv" / "bin" / "uv"
_COMMON: Final = ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http")


def prepare(emitter: Emitter) -> Path:
    """The folder with the emitter's packages, made when its row changed. Raises CalledProcessError."""
    home = CACHE / (emitter.environment or emitter.name)
    wanted = list(emitter.packages if emitter.npm else (*_COMMON, *emitter.packages))
    stamp = home / "wanted.json"
    if not stamp.exists() or json.loads(stamp.read_text()) != wanted:
        if emitter.npm:
            _npm(home, wanted)
        else:
            _venv(home, wanted, prerelease=emitter.prerelease)
        stamp.write_text(json.dumps(wanted))
    return home


def versions(emitter: Emitter, home: Path) -> dict[str, str]:
    """What is installed of the row's packages."""
    names = [re.match(r"[@\w/.-]+", package)[0] for package in emitter.packages]
    if emitter.npm:
        names = [re.match(r"@?[^@]+", package)[0] for package in emitter.packages]
        found = {name: json.loads((home / "node_modules" / name / "package.json").read_text()) for name in names}
        return {name: str(package["version"]) for name, package in found.items()}
    listed = subprocess.run(
        [str(UV), "pip", "list", "--format", "json", "--python", str(home / "bin" / "python")],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    installed = {each["name"]: each["version"] for each in json.loads(listed.stdout)}
    return {name: installed[name] for name in names}


def _venv(home: Path, wanted: list[str], *, prerelease: bool) -> None:
    python = str(home / "bin" / "python")
    subprocess.run([str(UV), "venv", "--quiet", "--clear", "--python", sys.executable, str(home)], check=True)
    allowed = ["--prerelease", "allow"] if prerelease else []
    subprocess.run([str(UV), "pip", "install", "--quiet", *allowed, "--python", python, *wanted], check=True)


def _npm(home: Path, wanted: list[str]) -> None:
    home.mkdir(parents=True, exist_ok=True)
    (home / "package.json").write_text('{"private": true, "type": "module"}')
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", *wanted], check=True, cwd=home)
