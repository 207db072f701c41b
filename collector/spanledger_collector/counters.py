"""What the collector counts about itself, rendered as Prometheus text and as plain numbers for the status page."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Labels = tuple[tuple[str, str], ...]

COUNTERS: Final[Mapping[str, str]] = {
    "spanledger_requests_total": "Export requests answered, by transport and status code.",
    "spanledger_spans_received_total": "Spans accepted and kept in the write-ahead log before they were acknowledged.",
    "spanledger_spans_followed_total": "Spans of those received that were read from a followed table, again or not.",
    "spanledger_spans_refused_total": "Spans refused, by reason; the sender was told.",
    "spanledger_log_records_received_total": "Log records accepted and kept in the write-ahead log first.",
    "spanledger_log_records_refused_total": "Log records refused, by reason; the sender was told.",
    "spanledger_log_records_unused_total": "Log records that tell of no call and are therefore not stored.",
    "spanledger_data_points_received_total": "Metric data points accepted, to be passed on.",
    "spanledger_data_points_refused_total": "Metric data points refused, by reason; the sender was told.",
    "spanledger_data_points_not_kept_total": "Metric data points acknowledged and dropped; the sender was told.",
    "spanledger_spans_deduplicated_total": "Spans seen before and therefore not written again.",
    "spanledger_spans_dead_lettered_total": "Spans that could not be read as calls and were put aside, by stage.",
    "spanledger_dead_letters_dropped_total": "Dead letters deleted because their directory was full.",
    "spanledger_spans_written_total": "Spans written to the store.",
    "spanledger_values_cut_total": "Attribute values stored without their end, because they were too long.",
    "spanledger_calls_written_total": "Billed calls written to the store.",
    "spanledger_calls_retold_total": "Calls not billed because another span tells of the same one, and better.",
    "spanledger_calls_unpriced_total": "Billed calls written without a known cost.",
    "spanledger_segments_written_total": "Log segments written to the store.",
    "spanledger_reader_starts_total": "Starts of the second process, which reads large segments.",
    "spanledger_store_failures_total": "Failed attempts to write a segment; each is tried again until it succeeds.",
    "spanledger_log_failures_total": "Requests refused because the log could not be written, by reason.",
    "spanledger_log_damaged_records_total": "Log records not readable any more, by kind (torn, checksum, missing).",
    "spanledger_forwarded_total": "Requests passed on to the other backend.",
    "spanledger_forward_failures_total": "Failed attempts to pass a request on that are made again, by reason.",
    "spanledger_evaluations_total": "Evaluations of the detectors and of the alert rules, by which.",
    "spanledger_evaluation_failures_total": "Evaluations that failed and are tried again, by which.",
    "spanledger_detector_failures_total": "Evaluations of one detector that failed, by detector.",
    "spanledger_notifications_total": "Deliveries of alerts, by outcome (ok, temporary, permanent).",
    "spanledger_forward_dropped_total": "Requests not passed on to the other backend, by reason.",
}
GAUGES: Final[Mapping[str, str]] = {
    "spanledger_log_bytes": "Bytes in the write-ahead log not yet in the store.",
    "spanledger_log_segments": "Segments of the write-ahead log not yet in the store.",
    "spanledger_forward_queue_bytes": "Bytes waiting for the other backend.",
    "spanledger_disk_used_bytes": "Bytes of log and embedded store, as last looked at.",
    "spanledger_disk_budget_bytes": "What log and store may take, 0 without a budget.",
    "spanledger_disk_free_bytes": "Bytes free on the file system of the data directory.",
}
HISTOGRAMS: Final[Mapping[str, str]] = {
    "spanledger_ack_seconds": "Time from a whole request to its acknowledgement, fsync included.",
    "spanledger_segment_seconds": "Time to decode, price and write one segment.",
}
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(slots=True)
class _Histogram:
    total: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))

    def observe(self, seconds: float) -> None:
        self.total += seconds
        self.buckets[next((i for i, bound in enumerate(BUCKETS) if seconds <= bound), len(BUCKETS))] += 1


class Counters:
    """Thread-safe. A name that no table above lists is a KeyError: it would have no help text."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, defaultdict[Labels, int]] = {name: defaultdict(int) for name in COUNTERS}
        self._histograms = {name: _Histogram() for name in HISTOGRAMS}
        self._gauges: dict[str, Callable[[], float]] = {}

    def add(self, name: str, count: int = 1, **labels: str) -> None:
        with self._lock:
            self._counts[name][tuple(sorted(labels.items()))] += count

    def observe(self, name: str, seconds: float) -> None:
        with self._lock:
            self._histograms[name].observe(seconds)

    def take(self) -> list[tuple[str, dict[str, str], int]]:
        """What was counted since it was last taken: name, labels, count. From here on it is another's to tell."""
        with self._lock:
            taken = [(name, dict(labels), n) for name, series in self._counts.items() for labels, n in series.items()]
            for series in self._counts.values():
                series.clear()
        return taken

    def watch(self, name: str, read: Callable[[], float]) -> None:
        """Let a gauge be read when somebody asks."""
        if name not in GAUGES:
            raise KeyError(name)
        self._gauges[name] = read

    def total(self, name: str, **labels: str) -> int:
        """The sum over all label sets that contain `labels`."""
        wanted = labels.items()
        with self._lock:
            return sum(count for key, count in self._counts[name].items() if wanted <= dict(key).items())

    def snapshot(self) -> dict[str, float]:
        """Every counter and gauge as one number under its Prometheus name; counters summed over their labels."""
        numbers: dict[str, float] = {name: self.total(name) for name in COUNTERS}
        return numbers | {name: read() for name, read in self._gauges.items()}

    def render(self) -> str:
        """Prometheus text exposition, format 0.0.4."""
        return "\n".join([*self._counter_lines(), *self._gauge_lines(), *self._histogram_lines()]) + "\n"

    def _counter_lines(self) -> Iterator[str]:
        with self._lock:
            counts = {name: dict(series) for name, series in self._counts.items()}
        for name, series in counts.items():
            yield from _head(name, COUNTERS[name], "counter")
            for labels, count in sorted(series.items()) or [((), 0)]:
                yield f"{name}{_braces(labels)} {count}"

    def _gauge_lines(self) -> Iterator[str]:
        for name, read in self._gauges.items():
            yield from _head(name, GAUGES[name], "gauge")
            yield f"{name} {read():g}"

    def _histogram_lines(self) -> Iterator[str]:
        with self._lock:
            histograms = {name: (h.total, list(h.buckets)) for name, h in self._histograms.items()}
        for name, (total, buckets) in histograms.items():
            yield from _head(name, HISTOGRAMS[name], "histogram")
            count = 0
            for bound, observed in zip([f"{bound:g}" for bound in BUCKETS] + ["+Inf"], buckets, strict=True):
                count += observed
                yield f'{name}_bucket{{le="{bound}"}} {count}'
            yield f"{name}_sum {total:.6f}"
            yield f"{name}_count {count}"


def _head(name: str, text: str, kind: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"


def _braces(labels: Labels) -> str:
    return "{" + ",".join(f'{key}="{_escaped(value)}"' for key, value in labels) + "}" if labels else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
