"""Calls from a Parquet file as buckets of facts: a history to try rules on that is in no store."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from spanledger_collector.alerts.anomaly.facts import AT, MEASURES, Bucket, Cell, ErrorType, Places
from spanledger_collector.alerts.anomaly.signal import Driver

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from spanledger_collector.alerts.anomaly.evidence import Floats

    Ints = NDArray[np.int64]

_DAY: Final = 24 * 60
_NEEDED: Final = ("ts", "service", "model", "duration_ms")
_WEEK_MINUTES: Final = 7 * 24 * 60


class UnreadableCalls(ValueError):
    """The file is no table of calls; the text names the column and the remedy."""


class CallFile:
    """Rows are calls by the time at which they ended (``ts``, UTC), in any order. Columns that are missing are unknown:

    ``ts, duration_ms, service, feature, provider, model, user_id, status, error_type, http_status, input_tokens``
    (cached included), ``cached_input_tokens, output_tokens, cost_usd, first_chunk_ms, service_version`` or ``release``.
    """

    def __init__(self, path: Path, step_minutes: int = 5) -> None:
        table = _sorted(pq.read_table(path), path)
        self.places = Places()
        self._step = step_minutes
        self._minutes: Ints = table["ts"].cast(pa.timestamp("us")).cast(pa.int64()).to_numpy() // 60_000_000
        self._cell, self._group = self._place(table)
        self._error = self._errors(table)
        self._numbers = {name: _numbers(table, name) for name in _NUMBERS if name in table.column_names}
        self._user, self._users = _codes(table, "user_id")
        self._version, self._versions = _codes(table, "service_version")
        if self._version is None:
            self._version, self._versions = _codes(table, "release")
        self._last_us = pc.max(table["ts"]).cast(pa.timestamp("us")).value

    def buckets(self) -> Iterator[Bucket]:
        """From the first call's midnight on. The last one only if its time is over but for a breath."""
        first = int(self._minutes[0]) // _DAY * _DAY
        last = (self._last_us + self._step * 12_000_000) // (self._step * 60_000_000) * self._step
        for midnight in range(first, int(last), _DAY):
            day, versions = self._day(midnight), self._main_versions(midnight)
            for place, values in enumerate(day):
                end = midnight + (place + 1) * self._step
                if end <= last:
                    yield Bucket(_moment(end), values, versions[place])

    def drivers(self, group: int, since: datetime, until: datetime) -> Sequence[Driver]:
        """Users of the group who made the most calls, and how many they usually make."""
        if self._user is None:
            return ()
        start, end = int(since.timestamp() // 60), int(until.timestamp() // 60)
        now, cost = self._by_user(group, start, end)
        before, _ = self._by_user(group, start - _WEEK_MINUTES, start)
        share = before / max(before.sum(), 1.0)
        top = np.argsort(now)[::-1][:3]
        return [Driver("user_id", self._users[u], float(now[u]), float(share[u]), float(cost[u])) for u in top]

    def _by_user(self, group: int, start: int, end: int) -> tuple[Floats, Floats]:
        rows = slice(*np.searchsorted(self._minutes, [start, end]))
        mine = np.flatnonzero(self._group[rows] == group)
        users, size = self._user[rows][mine], len(self._users)  # type: ignore[index]
        cost = self._numbers.get("cost_usd")
        spent = np.zeros(len(mine)) if cost is None else np.nan_to_num(cost[rows][mine])
        return np.bincount(users, minlength=size).astype(np.float64), np.bincount(users, spent, size).astype(np.float64)

    def _place(self, table: pa.Table) -> tuple[Ints, Ints]:
        names = ("service", "feature", "provider", "model")
        codes = [_codes(table, name) for name in names]
        key = np.zeros(table.num_rows, np.int64)
        for code, values in codes:
            key = key * max(len(values), 1) + (0 if code is None else code)
        first, inverse = np.unique(key, return_index=True, return_inverse=True)[1:]
        numbers = [
            self.places.cell(Cell(*(values[code[row]] if code is not None else "" for code, values in codes)))
            for row in first
        ]
        cell = np.array(numbers, np.int64)[inverse]
        groups = [self.places.groups[place.service, place.feature] for place in self.places.cells]
        return cell, np.array(groups, np.int64)[cell]

    def _errors(self, table: pa.Table) -> Ints:
        """The measure each failed call counts in, -1 for the others."""
        if "status" not in table.column_names:
            return np.full(table.num_rows, -1)
        coded, statuses = _codes(table, "status")
        failed = np.asarray(coded == (statuses.index("error") if "error" in statuses else -1))
        code, names = _codes(table, "error_type")
        status = _numbers(table, "http_status") if "http_status" in table.column_names else np.zeros(len(failed))
        key = np.where(failed, (0 if code is None else code) * 1000 + np.nan_to_num(status), -1).astype(np.int64)
        kinds, inverse, count = np.unique(key, return_inverse=True, return_counts=True)
        measure = np.full(len(kinds), -1)
        for place in np.argsort(-count):
            if kinds[place] >= 0:
                name = names[kinds[place] // 1000] if names else ""
                measure[place] = self.places.error(ErrorType(name or "unknown", int(kinds[place] % 1000)))
        return measure[inverse]

    def _main_versions(self, midnight: int) -> list[list[str]]:
        """By bucket and cell, the version that most calls were of."""
        cells, count = len(self.places.cells), _DAY // self._step
        if self._version is None:
            return [[]] * count
        rows = slice(*np.searchsorted(self._minutes, [midnight, midnight + _DAY]))
        place = (self._minutes[rows] - midnight) // self._step * cells + self._cell[rows]
        key, calls = np.unique(place * len(self._versions) + self._version[rows], return_counts=True)
        main = np.full(count * cells, -1)
        order = np.argsort(calls, kind="stable")
        main[key[order] // len(self._versions)] = key[order] % len(self._versions)
        names = [*self._versions, ""]
        return [[names[version] for version in row] for row in main.reshape(count, cells).tolist()]

    def _day(self, midnight: int) -> Floats:
        rows = slice(*np.searchsorted(self._minutes, [midnight, midnight + _DAY]))
        cells, count = len(self.places.cells), _DAY // self._step
        key = (self._minutes[rows] - midnight) // self._step * cells + self._cell[rows]
        day: Floats = np.zeros((count, MEASURES, cells))

        def add(measure: int, weights: Floats | None = None, where: NDArray[np.bool_] | slice = slice(None)) -> None:
            weights = weights if weights is None else np.nan_to_num(weights[where])
            day[:, measure] += np.bincount(key[where], weights, count * cells).reshape(count, cells)

        add(AT["calls"])
        error = self._error[rows]
        for measure in np.unique(error[error >= 0]):
            add(int(measure), None, error == measure)
        _add_sums({name: values[rows] for name, values in self._numbers.items()}, error < 0, add)
        return day


_NUMBERS: Final = ("duration_ms", "first_chunk_ms", "input_tokens", "cached_input_tokens", "output_tokens", "cost_usd")


def _add_sums(numbers: dict[str, Floats], well: NDArray[np.bool_], add: Any) -> None:
    nothing = np.full(len(well), np.nan)
    ms, first, tokens, cached, out, cost = (numbers.get(name, nothing) for name in _NUMBERS)
    cached = np.nan_to_num(cached)
    timed = well & (ms > 0) & (out > 0)
    _add_moments(("timed", "log_ms", "log_ms2"), ms, timed, add)
    log_out, log_ms = np.log(np.maximum(out, 1)), np.log(np.maximum(ms, 1e-3))
    for name, values in (("log_out", log_out), ("log_out2", log_out**2), ("log_ms_out", log_out * log_ms)):
        add(AT[name], values, timed)
    _add_moments(("first", "log_first", "log_first2"), first, well & (first > 0), add)
    sized = well & (tokens > 0)
    _add_moments(("sized", "log_in", "log_in2"), tokens, sized, add)
    add(AT["hits"], None, sized & (cached > 0))
    for name, values in (("uncached_tokens", tokens - cached), ("cached_tokens", cached), ("output_tokens", out)):
        add(AT[name], values)
    add(AT["cost"], cost)
    add(AT["unpriced"], None, (tokens > 0) & np.isnan(cost))


def _add_moments(names: tuple[str, str, str], values: Floats, where: NDArray[np.bool_], add: Any) -> None:
    logs = np.log(np.maximum(values, 1e-3))
    add(AT[names[0]], None, where)
    add(AT[names[1]], logs, where)
    add(AT[names[2]], logs**2, where)


def _sorted(table: pa.Table, path: Path) -> pa.Table:
    missing = [name for name in _NEEDED if name not in table.column_names]
    if missing:
        raise UnreadableCalls(f"{path} has no column {missing[0]!r}; needed are {', '.join(_NEEDED)}")
    if not table.num_rows:
        raise UnreadableCalls(f"{path} holds no calls")
    times = table["ts"].cast(pa.timestamp("us")).cast(pa.int64()).to_numpy()
    return table if (np.diff(times) >= 0).all() else table.sort_by("ts")


def _codes(table: pa.Table, name: str) -> tuple[Ints | None, list[str]]:
    """A number for each row's text, and the texts; missing text is empty."""
    if name not in table.column_names:
        return None, []
    text: Any = pc.fill_null(cast("Any", table[name].cast(pa.string())), "")
    coded = text.combine_chunks().dictionary_encode()
    return coded.indices.to_numpy().astype(np.int64), coded.dictionary.to_pylist()


def _numbers(table: pa.Table, name: str) -> Floats:
    return np.asarray(table[name].cast(pa.float64()).to_numpy(), np.float64)


def _moment(minute: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(minutes=minute)
