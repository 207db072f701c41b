"""A program that forks while our own thread imports something, and imports it in the child."""

import os
import signal
import sys
import tempfile
from pathlib import Path

from spanledger._later import LATER

SLOW = """
import midway_signal, time
midway_signal.begun.set()
time.sleep(0.2)
"""


def imported() -> None:
    import midway_slow  # noqa: F401


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "midway_slow.py").write_text(SLOW)
        Path(folder, "midway_signal.py").write_text("import threading\nbegun = threading.Event()\n")
        sys.path.insert(0, folder)
        import midway_signal

        LATER.hand(imported)
        midway_signal.begun.wait(60)
        child = os.fork()
        if not child:
            signal.alarm(20)  # it would wait forever
            imported()
            os._exit(0)
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
