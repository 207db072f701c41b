"""What the anomaly engine has learned, on disk: a restart goes on from there instead of learning five weeks again.

A snapshot is of one edition of the engine's code: another edition learns anew from the ledger, and so does whoever
finds the file damaged. It is no record of anything: deleting it costs minutes of computing.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import pickle
import zlib
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from spanledger_collector.alerts.anomaly.engine import Engine

FILE: Final = "anomalies.snapshot"
MOST_BYTES: Final = 256 * 2**20
_HEAD: Final = 64  # two SHA-256: of the edition and of what follows
_PACKAGE: Final = "spanledger_collector.alerts.anomaly"
_NUMPY: Final = frozenset({"ndarray", "dtype", "_reconstruct", "_frombuffer", "scalar"})
_DATETIME: Final = frozenset({"datetime", "timedelta", "timezone"})
_FRESH: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
_log = logging.getLogger(__name__)


class Snapshot:
    """``store`` names the ledger that was learned from: another one is not taken for it."""

    def __init__(self, path: Path, store: str) -> None:
        self._path = path
        self._edition = _edition(store)

    def write(self, engine: Engine) -> None:
        """Whole or not at all. What is too large, or cannot be written, is logged and left."""
        body = zlib.compress(pickle.dumps(engine, protocol=5), 1)
        if len(body) > MOST_BYTES:
            _log.warning("the anomaly rules' state has %s bytes and is not kept; a restart learns it again", len(body))
            return
        fresh = self._path.with_suffix(".new")
        try:
            with os.fdopen(os.open(fresh, _FRESH, 0o600), "wb") as file:
                file.write(self._edition + hashlib.sha256(body).digest() + body)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        except OSError as error:
            _log.warning("%s cannot be written (%s); a restart learns the past again", self._path, error.strerror)

    def read(self) -> Engine | None:
        """None where there is none of this edition and store that is whole."""
        try:
            raw = self._path.read_bytes() if self._path.stat().st_size <= MOST_BYTES + _HEAD else b""
        except OSError:
            return None
        body = raw[_HEAD:]
        if raw[:_HEAD] != self._edition + hashlib.sha256(body).digest():
            return None
        try:
            engine: Engine = _Reader(io.BytesIO(zlib.decompress(body))).load()
        except (pickle.UnpicklingError, zlib.error) as error:
            _log.warning("%s cannot be read (%s); the past is learned again", self._path, error)
            return None
        return engine


def _edition(store: str) -> bytes:
    """Of the code whose state it is, and of whose calls: 32 bytes."""
    hashed = hashlib.sha256(f"{np.__version__} {store}".encode())
    files = [file for file in resources.files(_PACKAGE).iterdir() if file.name.endswith(".py")]
    for file in sorted(files, key=lambda one: one.name):
        hashed.update(file.name.encode() + b"\0" + file.read_bytes())
    return hashed.digest()


class _Reader(pickle.Unpickler):
    """Knows the engine's own classes and no others: a file is no way to run code."""

    def find_class(self, module: str, name: str) -> Any:
        root = module.partition(".")[0]
        known = (root == "numpy" and name in _NUMPY) or (module == "datetime" and name in _DATETIME)
        if not known and not module.startswith(f"{_PACKAGE}."):
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a snapshot")
        return super().find_class(module, name)
