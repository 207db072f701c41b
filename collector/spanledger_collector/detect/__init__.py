"""Detectors turn named queries into findings. A detector is one file and one line of ``DETECTORS``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from spanledger_collector.detect import record, retries, unpriced
from spanledger_collector.detect.finding import Detector, Finding, Row, Window

if TYPE_CHECKING:
    from datetime import datetime

DETECTORS: tuple[Detector, ...] = (retries.DETECTOR, unpriced.DETECTOR)

RunQuery = Callable[[str, Mapping[str, Sequence[str]]], pa.Table]
Save = Callable[[str, pa.Table, str], None]  # table name, rows, insert token

_log = logging.getLogger(__name__)


class Detectors:
    """Evaluates the detectors and keeps the ``findings`` table; holds no state. ``failed`` is told a detector's id."""

    def __init__(
        self,
        *,
        run_query: RunQuery,
        save: Save,
        failed: Callable[[str], None],
        detectors: Sequence[Detector] = DETECTORS,
    ) -> None:
        self._run_query = run_query
        self._save = save
        self._failed = failed
        self._detectors = detectors

    def tick(self, now: datetime) -> None:
        """Evaluate once at ``now`` (UTC, aware). What is no longer found is marked ``cleared``, never deleted."""
        known = {row["id"]: row for row in self._rows("findings", {"status": ["any"]})}
        rows: list[Row] = []
        for detector in self._detectors:
            found = self._evaluate(detector, now)
            if found is not None:
                rows += _changed(detector, found, known, now)
        if rows:
            self._save("findings", record.table(rows), f"findings-{now.isoformat()}")

    def _evaluate(self, detector: Detector, now: datetime) -> list[Finding] | None:
        window = Window(now - detector.span, now)
        try:
            return list(detector.find(lambda name: self._rows(name, window.params()), window))
        except Exception:  # noqa: BLE001 - one detector's failure must not silence the others; counted and logged
            self._failed(detector.id)
            _log.exception("detector %s failed; its findings stay as they were", detector.id)
            return None

    def _rows(self, name: str, params: Mapping[str, Sequence[str]]) -> list[Row]:
        return self._run_query(name, params).to_pylist()


def _changed(detector: Detector, found: Sequence[Finding], known: Mapping[str, Row], now: datetime) -> list[Row]:
    seen = {finding.id for finding in found}
    gone = (row for key, row in known.items() if row["detector"] == detector.id and key not in seen)
    return [record.found(finding, known.get(finding.id), now) for finding in found] + [
        record.cleared(row, now) for row in gone if row["status"] == "open"
    ]
