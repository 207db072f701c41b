# noqa: INP001 - a folder put on PYTHONPATH, not a package
"""Runs at the start of every Python process that has this folder on PYTHONPATH: see `spanledger run`.

It must work in any interpreter a child process may bring, with or without Spanledger installed, so it uses plain
syntax, loads the `sitecustomize` that it hides first, and lets nothing of ours escape.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec


def _hidden() -> ModuleSpec | None:
    """The sitecustomize that would have been imported had this folder not come first."""
    from importlib.machinery import PathFinder

    here = os.path.dirname(__file__)  # noqa: PTH120 - every process pays for what is imported here
    elsewhere = [path for path in sys.path if not os.path.exists(path) or not os.path.samefile(path, here)]  # noqa: PTH110, PTH121
    return PathFinder.find_spec("sitecustomize", elsewhere)


def _run_hidden() -> None:
    spec = _hidden()
    if spec is None or spec.loader is None:
        return
    from importlib.util import module_from_spec

    module = module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


def _start() -> None:
    try:
        from spanledger import init

        init()
    except ImportError:
        if os.environ.get("_SPANLEDGER_RUN_PID") == str(os.getpid()):  # the program itself, not a child of its own
            sys.stderr.write(
                f"spanledger run: {sys.executable} has no Spanledger, so nothing is recorded. "
                f"Install it there: {sys.executable} -m pip install spanledger\n"
            )
    except Exception:  # noqa: BLE001, S110 - Spanledger may be absent or too old here; the program is what matters
        pass


try:
    _run_hidden()  # its errors are shown by Python as they would be without us
finally:
    _start()
