"""What the library costs the process it enters: counted, not timed."""

from __future__ import annotations

import subprocess
import sys

import spanledger

PROGRAM = """
import sys, threading
from opentelemetry.sdk.trace.export import BatchSpanProcessor
import openai, anthropic
before = set(sys.modules)
import spanledger
{then}
added = set(sys.modules) - before
print(len(added), threading.active_count(), sorted(m for m in added if m.startswith(("requests", "google", "grpc"))))
"""


def added(then: str) -> tuple[int, int, str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(then=then)], capture_output=True, text=True, timeout=60, check=True
    )
    modules, threads, heavy = done.stdout.split(maxsplit=2)
    return int(modules), int(threads), heavy.strip()


def test_instrumenting_loads_little_and_starts_nothing() -> None:
    modules, threads, heavy = added("spanledger.instrument()")
    assert modules <= 40
    assert (threads, heavy) == (1, "[]")


def test_importing_loads_no_sdk() -> None:
    program = "import sys, spanledger; print({'openai', 'anthropic', 'httpx', 'httpx2', 'requests'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "set()\n"


def test_all_is_what_can_be_imported_sorted() -> None:
    assert spanledger.__all__ == sorted(spanledger.__all__)
    assert all(hasattr(spanledger, name) for name in spanledger.__all__)


def test_an_integration_is_imported_with_its_sdk_and_not_before() -> None:
    program = (
        "import sys, spanledger; spanledger.instrument(); "
        "mine = lambda: {m for m in sys.modules if m.startswith('spanledger.integrations.') and '._' not in m}; "
        "before = mine(); import openai; print(sorted(before), sorted(mine()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[] ['spanledger.integrations.openai']\n"
