"""FinOps' own validator has nothing to say against an export, corrections included, but what is known."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.skipif(not (ROOT / ".venv-focus").exists(), reason="the validator needs a Python 3.12 beside ours")
def test_an_export_with_corrections_passes_the_official_validator():
    command = [sys.executable, str(ROOT / "scripts" / "focus_check.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-2:] == ["focus.csv: as expected", "focus.parquet: as expected"]
