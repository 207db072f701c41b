"""docs/providers.md says what the registry says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).parents[2] / "scripts" / "providers.py"


def _script() -> Any:
    spec = importlib.util.spec_from_file_location("providers_page", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_current() -> None:
    script = _script()
    assert script.PAGE.read_text() == script.page(), "run scripts/providers.py"


def test_every_sdk_is_tested_in_some_version() -> None:
    script = _script()
    assert [row.distribution for row in script.SUPPORTED if not script._tested(row.distribution)] == []
