"""The dashboard as a child process of `spanledger up`: started once the collector accepts, stopped by its own id."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import threading
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Final

from spanledger_collector.listener import bind
from spanledger_collector.settings import Address

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

STOP_S: Final = 10.0


class DashboardProcess(AbstractContextManager["DashboardProcess"]):
    """A context manager: leaving it stops the child. The collector does not need the pages and outlives them."""

    def __init__(self, port: int, say: Callable[[str], None]) -> None:
        self._port, self._say = port, say
        self._child: subprocess.Popen[bytes] | None = None
        self._stopping = False

    def check(self) -> None:
        """Before anything is opened. Raises ModuleNotFoundError without the extra, CannotStart for a busy port."""
        if importlib.util.find_spec("streamlit") is None:
            raise ModuleNotFoundError("No module named 'streamlit'", name="streamlit")
        if self._port:
            bind("the dashboard", "--port PORT", Address("127.0.0.1", self._port)).close()

    def start(self, api: str) -> None:
        """In a session of its own, so that Ctrl-C reaches the collector alone, which then stops the child."""
        command = [sys.executable, "-m", "spanledger_dashboard", "--api", api, "--port", str(self._port)]
        self._child = subprocess.Popen(command, start_new_session=True)  # noqa: S603 - our own module
        threading.Thread(target=self._tell_end, args=(self._child,), daemon=True).start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping = True
        if self._child is None or self._child.poll() is not None:
            return
        self._child.terminate()
        try:
            self._child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def _tell_end(self, child: subprocess.Popen[bytes]) -> None:
        code = child.wait()
        if not self._stopping:
            self._say(
                f"the dashboard ended with exit code {code}; the collector goes on. `spanledger dashboard` starts it"
            )
