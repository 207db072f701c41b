"""The real `spanledger dashboard` in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def dashboard(api: str, *arguments: str) -> Iterator[str]:
    """On a free port; yields the pages' address."""
    command = [sys.executable, "-m", "spanledger_dashboard", "--port", "0", "--json", "--api", api, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield json.loads(process.stdout.readline())["dashboard"]
        finally:
            process.terminate()
            process.wait(30)
