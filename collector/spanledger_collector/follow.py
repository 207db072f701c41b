"""An `otel_traces` table of an OpenTelemetry Collector followed in place: new rows enter the log like any request.

How far it has been read is kept beside the log and moves only once the rows are durable. The table does not say when a
row came, and a span's row comes when the span has ended: so a little is read again each time, and an hour now and then.
What is read again is recognised by its ids and counted once.
"""

from __future__ import annotations

import json
import time
from contextlib import closing
from typing import TYPE_CHECKING, Final

from spanledger_collector import otlp
from spanledger_collector.model import NotStored
from spanledger_collector.otel_traces import TABLE, Table
from spanledger_collector.store.clients import connect, place

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from spanledger_collector.counters import Counters
    from spanledger_collector.receivers.intake import Append

FOLLOW_EVERY_S: Final = 10.0
MARK: Final = "followed.json"
SOON_NS: Final = 120 * 10**9  # most rows are there so long after their span began
LATE_NS: Final = 3600 * 10**9  # a row of a longer span is not seen
LATE_EVERY_NS: Final = 600 * 10**9
DURABLE_S: Final = 60.0


class Follower:
    """One table, read by one thread. ``url`` names the server and the database, with `#table` another table."""

    def __init__(self, url: str, append: Append, has_room: Callable[[], bool], counters: Counters, mark: Path) -> None:
        """``has_room``: whether the log has room for what is read beside what is sent."""
        self._url, _, table = url.partition("#")
        self._table, self._append, self._has_room = table or TABLE, append, has_room
        self._counters, self._mark = counters, mark
        self._late_ns = 0  # when an hour was read again

    def tick(self, now: datetime) -> None:
        """Read what is new. Raises what the source does; then the next tick goes on from there."""
        now_ns = int(now.timestamp()) * 10**9
        is_late = now_ns - self._late_ns >= LATE_EVERY_NS
        read_until = self._read_until()
        with closing(connect(self._url)) as client:
            table = Table(client, self._table)
            for last_ns, request in table.requests(max(0, read_until - (LATE_NS if is_late else SOON_NS))):
                if not self._has_room() or not self._keep(request.SerializeToString()):
                    return
                if min(last_ns, now_ns) > read_until:
                    read_until = min(last_ns, now_ns)
                    self._save(read_until)
        if is_late:
            self._late_ns = now_ns

    def _keep(self, body: bytes) -> bool:
        """Whether it is in the log; where the log is full, others come first."""
        received_ns = time.time_ns()
        checked = otlp.check(body, received_ns)
        try:
            if checked.accepted:
                self._append(received_ns, body, "traces").result(DURABLE_S)
        except NotStored as refusal:
            self._counters.add("spanledger_log_failures_total", reason=refusal.reason)
            return False
        self._counters.add("spanledger_spans_followed_total", checked.accepted)
        self._counters.add("spanledger_spans_received_total", checked.accepted)
        for reason, count in checked.refused.items():
            self._counters.add("spanledger_spans_refused_total", count, reason=reason)
        return True

    @property
    def _source(self) -> str:
        return f"{place(self._url)}#{self._table}"

    def _read_until(self) -> int:
        """UTC nanoseconds; 0 for a table never read."""
        if not self._mark.exists():
            return 0
        mark = json.loads(self._mark.read_text("utf-8"))
        return int(mark["until_ns"]) if mark["source"] == self._source else 0

    def _save(self, until_ns: int) -> None:
        """In one step: a crash leaves the old mark or the new. Reading again is harmless, so nothing is synced."""
        draft = self._mark.with_suffix(".new")
        draft.write_text(json.dumps({"source": self._source, "until_ns": until_ns}), "utf-8")
        draft.replace(self._mark)
