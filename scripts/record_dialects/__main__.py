"""Record how each emitter writes the same simulated calls down, into tests/collector/normalise/recorded.

    .venv/bin/python scripts/record_dialects [EMITTER ...]

Makes the emitters' environments in .cache/dialects (PyPI, npm), then runs each against the provider simulator with
nothing but loopback to talk to. A fixture has the packages' versions, the calls as the provider answered them, and the
OTLP that came. Exits with 1 when an emitter made no call or told of none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from compact import fixture  # noqa: E402 - a folder run as a program has no package
from environments import ROOT, prepare, versions  # noqa: E402
from stage import Stage  # noqa: E402
from table import EMITTERS, Emitter  # noqa: E402

RECORDED: Final = ROOT / "tests" / "collector" / "normalise" / "recorded"
LONGEST_S: Final = 300


def main(names: list[str]) -> int:
    known = {emitter.name: emitter for emitter in EMITTERS}
    if unknown := set(names) - set(known):
        print(f"nobody is called {', '.join(unknown)}: take of {', '.join(known)}", file=sys.stderr)
        return 2
    results = [_record(known[name]) for name in names or known]
    return 0 if all(results) else 1


def _record(emitter: Emitter) -> bool:
    home = prepare(emitter)
    noted = versions(emitter, home)
    with Stage() as stage:
        subprocess.run(_command(emitter, home), env=_environment(stage, home), check=True, timeout=LONGEST_S)
    folder = RECORDED / emitter.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in dict.fromkeys(stage.unplaced):
        print(f"{emitter.name} also asked for {path}")
    for scene in stage.scenes:
        (folder / f"{scene.name}.json").write_text(fixture(scene, noted).replace(f"{ROOT}/", "/project/"))
        print(f"{emitter.name}/{scene.name}: {len(scene.calls)} calls, {len(scene.exports)} exports")
    return bool(stage.scenes) and all(scene.calls and scene.exports for scene in stage.scenes)


def _command(emitter: Emitter, home: Path) -> list[str]:
    program = HERE / "programs" / emitter.program
    if program.suffix == ".mjs":  # which finds packages from where it lies
        return ["node", shutil.copy(program, home)]
    return [sys.executable if emitter.npm else str(home / "bin" / "python"), str(program)]


def _environment(stage: Stage, home: Path) -> dict[str, str]:
    """Nothing of the caller's but the path: no keys, no settings; every proxy leads nowhere."""
    nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")
    here = dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "STAGE_URL": stage.url,
        "OTEL_SERVICE_NAME": "recorded",
        "OTEL_METRICS_EXPORTER": "none",
        **nowhere,
        **here,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
