"""A part of the SDKs' own tests, without the library and with it: no test may end another way.

The whole of them is `scripts/sdk_suites.py`. Their sources come from the package index once and are kept in .cache.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform != "linux", reason="the suites are kept off the network with Linux's namespaces")
@pytest.mark.parametrize("suite", ["groq-1.7.0", "openai-3.54.0"])
def test_an_sdks_own_tests_end_the_same(suite: str, tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    script = [sys.executable, str(ROOT / "scripts" / "sdk_suites.py"), suite, "--bounded", "--json", str(told)]
    done = subprocess.run(script, capture_output=True, text=True, timeout=290, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (row,) = json.loads(told.read_text())
    assert row["changed"] == {}
    assert row["outcomes"]["passed"] > 40
    assert row["proof"]["spans"] > 10
