"""What the engine is told of one bucket of time, and the names of the places it happened in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from spanledger_collector.alerts.anomaly.evidence import Floats

SUMS: Final = (
    "calls",
    "timed",  # calls that ended well and had output: their log durations follow
    "log_ms",
    "log_ms2",
    "log_out",
    "log_out2",
    "log_ms_out",
    "first",  # calls with a time to first chunk
    "log_first",
    "log_first2",
    "sized",  # calls that ended well with a known input
    "log_in",
    "log_in2",
    "hits",  # of those, calls that read a cache
    "uncached_tokens",
    "cached_tokens",
    "output_tokens",
    "cost",  # US dollars of calls whose cost is known
    "unpriced",  # calls with usage whose cost is not
)
"""Sums over the calls of a cell that ended in the bucket. Logarithms are natural, of ms and of tokens."""
ERRORS: Final = 12  # error types told apart; the rarest beyond that share the last place
MEASURES: Final = len(SUMS) + ERRORS
AT: Final = {name: place for place, name in enumerate(SUMS)}
ERROR_PLACES: Final = slice(len(SUMS), MEASURES)


class Cell(NamedTuple):
    """The smallest place anything is judged in."""

    service: str
    feature: str
    provider: str
    model: str


class ErrorType(NamedTuple):
    name: str
    http_status: int

    @property
    def kind(self) -> str:
        plain = self.name.lower().replace("_", "").replace(" ", "")
        if self.http_status == 429 or "ratelimit" in plain or "toomanyrequests" in plain:  # noqa: PLR2004
            return "rate_limit_storm"
        if "validation" in plain or "parseerror" in plain:
            return "validation_spike"
        return "failure_spike"

    @property
    def blames_provider(self) -> bool:
        """Whether such errors everywhere at once mean that the provider is down, not that requests were wrong."""
        refused = 400 <= self.http_status < 500 and self.http_status not in (408, 429)  # noqa: PLR2004
        return self.kind != "validation_spike" and not refused and "filter" not in self.name.lower()


@dataclass(slots=True)
class Places:
    """Cells, groups (service and feature) and error types by number, in order of first appearance."""

    cells: dict[Cell, int] = field(default_factory=dict)
    groups: dict[tuple[str, str], int] = field(default_factory=dict)
    errors: dict[ErrorType, int] = field(default_factory=dict)

    def cell(self, cell: Cell) -> int:
        self.groups.setdefault((cell.service, cell.feature), len(self.groups))
        return self.cells.setdefault(cell, len(self.cells))

    def error(self, error: ErrorType) -> int:
        """The place among the measures."""
        if error not in self.errors and len(self.errors) >= ERRORS - 1:
            error = ErrorType("other", 0)
        return len(SUMS) + self.errors.setdefault(error, len(self.errors))


@dataclass(frozen=True, slots=True)
class Bucket:
    """``values[measure, cell]`` of the calls that ended in ``[end - length, end)``."""

    end: datetime  # UTC
    values: Floats
    versions: Sequence[str] = ()  # of the service, by cell: the one most calls told of, empty where none did
