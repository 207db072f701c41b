"""The newest calls of each place in the caller's software: wide rows are read of those alone.

Detectors ask while calls come in: what they read is bounded in rows, and each query in threads and memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from .ledger import whole_and_edges
from .parameter import count
from .query import COUNT, HOUR_NS, MONEY, TEXT, TIME, between, columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .query import Asked, Columns

_COLUMNS: Final = ("service", "feature", "provider", "model", "code_file", "code_line")
_PICKED: Final = "hour, service, model, span_id"
_PLACE: Final = f"cityHash64({', '.join(f'c.{name}' for name in _COLUMNS)})"  # as in the table ``places_hourly``
PER_PLACE: Final = count("limit", "Calls per place.", default=500, most=20_000)
IN_ALL: Final = count("most", "Calls of all places together; the newest.", default=10_000, most=150_000)
SITE: Final = "if(c.code_file = '', '', concat(c.code_file, ':', toString(c.code_line)))"
# One thread, small blocks, and on disk what does not fit: beside the calls that come in, nobody waits for a detector.
# Only what is grouped on two levels goes to disk; each time it does leaves a file, and these are read back at once.
_BOUNDED: Final = (
    " SETTINGS max_threads = 1, max_block_size = 8192, max_memory_usage = 400000000,"
    " max_bytes_before_external_group_by = {mb}000000, max_bytes_before_external_sort = {mb}000000,"
    " max_bytes_ratio_before_external_group_by = 0, max_bytes_ratio_before_external_sort = 0,"
    " group_by_two_level_threshold = 10000, group_by_two_level_threshold_bytes = {mb}00000"
)
BOUNDED: Final = _BOUNDED.format(mb=64)
TIGHTLY_BOUNDED: Final = _BOUNDED.format(mb=32)  # where some bytes a row are sorted or grouped: takes half by this

# Columns of an answer by name: what is selected from the calls ``c``, and its type.
PLACE: Final[Mapping[str, tuple[str, pa.DataType]]] = {
    **{name: (f"c.{name}", TEXT) for name in ("service", "feature", "provider", "model")},
    "call_site": (SITE, TEXT),
}
CALL: Final[Mapping[str, tuple[str, pa.DataType]]] = {
    "start": ("c.start", TIME),
    **PLACE,
    "version": ("c.service_version", TEXT),
    "trace_id": ("lower(hex(c.trace_id))", TEXT),
    "span_id": ("lower(hex(c.span_id))", TEXT),
    "conversation": ("c.conversation", TEXT),
    "uncached_tokens": ("c.uncached_input_tokens", COUNT),
    "read_tokens": ("c.cache_read_tokens", COUNT),
    "write_5m_tokens": ("c.cache_write_5m_tokens", COUNT),
    "write_1h_tokens": ("c.cache_write_1h_tokens", COUNT),
    "cost_usd": ("c.cost", MONEY),
    "cost_input_usd": ("c.cost_input", MONEY),
    "cost_read_usd": ("c.cost_cache_read", MONEY),
    "cost_write_usd": ("c.cost_cache_write", MONEY),
    # With ``counted``:
    "calls": ("n.calls", COUNT),
    "days": ("n.days", pa.uint16()),
}
CLAIMS: Final = pa.list_(pa.struct([pa.field("1", TEXT), pa.field("2", MONEY)]))  # span id, US dollars


@dataclass(frozen=True, slots=True)
class Of:
    """Which calls count: their column of ``places_hourly``, and what says the same of a call."""

    column: str
    sql: str = ""

    def condition(self, prefix: str) -> str:
        return f" AND {self.sql.replace('c.', prefix)}" if self.sql else ""


EVERY: Final = Of("calls")
ANSWERED: Final = Of("ok_calls", "c.outcome = 'ok'")
READ: Final = Of("read_calls", "c.input_tokens > 0 AND c.outcome != 'error'")


def selected(told: Mapping[str, tuple[str, pa.DataType]]) -> str:
    return ", ".join(f"{sql} AS {name}" for name, (sql, _) in told.items())


def typed(told: Mapping[str, tuple[str, pa.DataType]], **more: pa.DataType) -> Columns:
    return columns(**{name: type_ for name, (_, type_) in told.items()}, **more)


def picked(asked: Asked, of: Of, wanted: str = "w.span_id") -> str:
    """A sub-select of the calls ``w`` that are read: hour, service, model, span_id. They are picked once in a
    statement, as the engine keeps the answer of a scalar for its equals.
    """
    places = ", ".join(f"p.{name}" for name in _COLUMNS)
    read = (
        "SELECT toStartOfHour(p.start) AS hour, p.service AS service, p.model AS model, p.span_id AS span_id"
        f" FROM calls AS p WHERE {asked.calls('p.')}{of.condition('p.')} AND {near(asked, of, 'p.')}"
        f" AND p.start >= ({_recent(asked, of)})"
        f" ORDER BY p.start DESC LIMIT {{limit:UInt32}} BY {places} LIMIT {{most:UInt32}}"
    )
    every = f"(SELECT groupArray(({_PICKED})) FROM ({read}))"
    numbered = ", ".join(f"t.{place} AS {name}" for place, name in enumerate(_PICKED.split(", "), 1))
    return f"SELECT {wanted} FROM (SELECT {numbered} FROM (SELECT arrayJoin({every}) AS t)) AS w"


def _recent(asked: Asked, of: Of) -> str:
    """A time before which none lies that is picked, or 1970: while calls come by the thousand a second, the calls of an
    hour are more than can be sorted. Of places that share a number at least as many are picked as of one of them.
    """
    end = "toStartOfHour(fromUnixTimestamp64Nano({to:Int64}, 'UTC'))"
    slot = "toStartOfInterval(c.start, INTERVAL 10 SECOND)"
    counts = (
        f"SELECT toUInt16({_PLACE} % 1024) AS number, {slot} AS slot, count() AS n FROM calls AS c"
        f" WHERE {asked.calls('c.')}{of.condition('c.')} AND toStartOfHour(c.start) >= {end} - 3600"
        " GROUP BY number, slot"
    )
    so_far = "sum(k.n) OVER (PARTITION BY k.number ORDER BY k.slot DESC)"
    taken = f"least({so_far}, {{limit:UInt32}}) - least({so_far} - k.n, {{limit:UInt32}})"
    slots = f"SELECT t.slot AS slot, sum(t.n) AS n FROM (SELECT k.slot AS slot, {taken} AS n FROM ({counts}) AS k) AS t"
    seen = f"SELECT s.slot AS slot, sum(s.n) OVER (ORDER BY s.slot DESC) AS seen FROM ({slots} GROUP BY slot) AS s"
    return f"SELECT max(e.slot) FROM ({seen}) AS e WHERE e.seen >= {{most:UInt32}}"


def counted(asked: Asked, of: Of) -> str:
    """`` INNER JOIN ...`` to ``c``: as ``n``, how many calls a place had, and on how many UTC days."""
    days = (
        f"SELECT l.place AS place, sum(l.calls) AS of_day FROM ({_hours(asked, of)}) AS l"
        " GROUP BY place, toDate(l.hour) HAVING of_day > 0"
    )
    return (
        " INNER JOIN (SELECT k.place AS place, sum(k.of_day) AS calls, toUInt16(count()) AS days"
        f" FROM ({days}) AS k GROUP BY place) AS n ON n.place = {_PLACE}"
    )


def newest(asked: Asked, of: Of, prefix: str = "c.") -> str:
    """The condition for the calls that are read."""
    key = f"(toStartOfHour({prefix}start), {prefix}service, {prefix}model)"
    place = picked(asked, of, "w.hour, w.service, w.model")
    since = f"{prefix}start >= ({_recent(asked, of)})"
    return f"{since} AND {key} IN ({place}) AND {prefix}span_id IN ({picked(asked, of)})"


def beside(asked: Asked, of: Of, prefix: str) -> str:
    """As ``newest``, on a table of what is told beside calls."""
    hours = f"toStartOfHour({prefix}start) IN ({picked(asked, of, 'w.hour')})"
    return f"{between('from', 'to', prefix)} AND {hours} AND {prefix}span_id IN ({picked(asked, of)})"


def near(asked: Asked, of: Of, prefix: str) -> str:
    """A condition on the first columns of the calls' key: where the newest of each place lie, and some others."""
    key = f"toStartOfHour({prefix}start), {prefix}service, {prefix}model"
    return f"({key}) IN (SELECT hour, service, model FROM ({_needed(asked, of)}))"


def _needed(asked: Asked, of: Of) -> str:
    """Of each place the newest hours that have enough of its calls."""
    newer = "PARTITION BY h.place ORDER BY h.hour DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"
    hours = (
        "SELECT l.hour AS hour, l.service AS service, l.model AS model, l.place AS place, sum(l.calls) AS n"
        f" FROM ({_hours(asked, of)}) AS l{_since(asked, of)} GROUP BY hour, service, model, place HAVING n > 0"
    )
    return (
        f"SELECT hour, service, model FROM (SELECT h.hour AS hour, h.service AS service, h.model AS model,"
        f" sum(h.n) OVER ({newer}) AS newer FROM ({hours}) AS h) WHERE newer < {{limit:UInt32}}"
    )


def _hours(asked: Asked, of: Of) -> str:
    return " UNION ALL ".join(
        whole_and_edges(
            asked,
            f"SELECT hour, service, model, place, {of.column} AS calls FROM places_hourly",
            f"SELECT toStartOfHour(c.start) AS hour, c.service AS service, c.model AS model, {_PLACE} AS place,"
            " toUInt64(1) AS calls FROM calls AS c",
            of.condition("c."),
        )
    )


def _since(asked: Asked, of: Of) -> str:
    """`` WHERE ...``: no hour before those in which places have the calls that are read in all. A place has one call at
    least in an hour that tells of it, and as many as there are such hours count, up to the limit of a place.
    """
    first, last = asked.whole_hours
    if first >= last or asked.values.get("user"):
        return ""
    rollup = f"SELECT hour, place, {of.column} AS n FROM places_hourly"
    (told, *_) = whole_and_edges(asked, rollup, "")
    recent = f"hour >= toDateTime({{last_hour:UInt32}} - 3600 * least({{limit:UInt32}}, {last // HOUR_NS}), 'UTC')"
    places = f"SELECT k.hour AS hour FROM ({told} AND {recent}) AS k GROUP BY hour, k.place HAVING sum(k.n) > 0"
    seen = "sum(count()) OVER (ORDER BY h.hour DESC) AS seen"
    hours = f"SELECT h.hour AS hour, {seen} FROM ({places}) AS h GROUP BY hour"
    return f" WHERE l.hour >= (SELECT max(e.hour) FROM ({hours}) AS e WHERE e.seen >= {{most:UInt32}})"
