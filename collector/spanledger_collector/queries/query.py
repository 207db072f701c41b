"""A named query: what it may be asked, what it answers, and the SQL that does. All values are bound by the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pyarrow as pa

from .parameter import DETAILED, DIMENSIONS, NARROWED, BadParameter, Parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

TEXT: Final = pa.string()
COUNT: Final = pa.uint64()
SHARE: Final = pa.float64()
MILLISECONDS: Final = pa.float64()
MONEY: Final = pa.decimal128(38, 18)
TIME: Final = pa.timestamp("ns", tz="UTC")
MICROSECOND: Final = pa.timestamp("us", tz="UTC")  # what Python's datetime holds exactly
KEY: Final = pa.field("key", TEXT)  # in the answer only when asked ``by`` something

HOUR_NS: Final = 3600 * 10**9

Columns: TypeAlias = "tuple[pa.Field[Any], ...]"


def columns(**types: pa.DataType) -> Columns:
    return tuple(pa.field(name, type_) for name, type_ in types.items())


@dataclass(frozen=True, slots=True)
class Asked:
    """Parsed parameters by name, all of them present. Only whitelisted values may be put into SQL as text."""

    values: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    @property
    def by(self) -> str:
        """The dimension to split by, a column name; empty for none."""
        return self.values.get("by") or ""

    @property
    def whole_hours(self) -> tuple[int, int]:
        """The whole hours inside the window, half-open, UTC nanoseconds; equal when there is none."""
        first = -(-self["from"] // HOUR_NS) * HOUR_NS
        return first, max(first, self["to"] // HOUR_NS * HOUR_NS)

    @property
    def binds(self) -> dict[str, Any]:
        """What the server binds to the placeholders."""
        binds = {name: [*value] if isinstance(value, (list, tuple)) else value for name, value in self.values.items()}
        if "from" in binds:
            first, last = self.whole_hours
            binds |= {"first_hour": first // 10**9, "last_hour": last // 10**9, "head": min(first, self["to"])}
            binds |= {"tail": max(last, self["from"])}
        return {name: value for name, value in binds.items() if value is not None}

    def filters(self, prefix: str = "") -> str:
        """`` AND ...`` for the dimensions and users asked for; empty when none is."""
        chosen = (name for name in NARROWED if self.values.get(name))
        return "".join(f" AND {prefix}{name} IN {{{name}:Array(String)}}" for name in chosen)

    def details(self, prefix: str = "") -> str:
        """The condition for what the library saw around the calls asked for, on table ``call_details``: feature and
        team are looked up among the calls, where they are asked for.
        """
        own = "".join(f" AND {prefix}{name} IN {{{name}:Array(String)}}" for name in DETAILED if self.values.get(name))
        if any(self.values.get(name) for name in DIMENSIONS if name not in DETAILED):
            ids = f"SELECT reinterpretAsUInt64(o.span_id) FROM calls AS o WHERE {self.calls('o.')}"
            own += f" AND reinterpretAsUInt64({prefix}span_id) IN ({ids})"
        return between("from", "to", prefix) + own

    def calls(self, prefix: str = "") -> str:
        """The condition for the calls asked for, on table ``calls``."""
        return f"{between('from', 'to', prefix)}{self.filters(prefix)}"


def between(first: str, last: str, prefix: str = "") -> str:
    """Half-open, on ``start``, between two bound nanosecond parameters."""
    since, until = (f"fromUnixTimestamp64Nano({{{bound}:Int64}}, 'UTC')" for bound in (first, last))
    return f"{prefix}start >= {since} AND {prefix}start < {until} AND {_within(since, until, prefix)}"


def _within(since: str, until: str, prefix: str) -> str:
    """Skips by the tables' first key column, which a condition on ``start`` does not; read and computed it is not."""
    return f"indexHint({_hours(since, until, prefix)})"


def _hours(since: str, until: str, prefix: str) -> str:
    """Says the same in terms of the tables' first key column: a condition on ``start`` alone does not skip by it."""
    return f"toStartOfHour({prefix}start) BETWEEN toStartOfHour({since}) AND toStartOfHour({until})"


def near(first: str, last: str, prefix: str = "") -> str:
    """Skips what is hours away and reads no time: for rows that something else narrows to the window."""
    since, until = (f"fromUnixTimestamp64Nano({{{bound}:Int64}}, 'UTC')" for bound in (first, last))
    return f"indexHint({_hours(since, until, prefix)})"


def ended(first: str, last: str, prefix: str = "") -> str:
    """As ``between``, on the call's end; only calls that took less than six hours, so that not all are read."""
    end, start = f"{prefix}start + toIntervalNanosecond({prefix}duration_ns)", f"{prefix}start"
    since, until = (f"fromUnixTimestamp64Nano({{{bound}:Int64}}, 'UTC')" for bound in (first, last))
    earliest = f"{since} - toIntervalHour(6)"
    started = f"{start} >= {earliest} AND {start} < {until} AND {_hours(earliest, until, prefix)}"
    return f"{started} AND {end} >= {since} AND {end} < {until}"


@dataclass(frozen=True, slots=True)
class Query:
    """``sql`` selects ``columns`` by name, in any order."""

    doc: str
    parameters: tuple[Parameter, ...]
    columns: Columns
    sql: Callable[[Asked], str]

    def ask(self, params: Mapping[str, Sequence[str]]) -> Asked:
        """Raises BadParameter."""
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in params:
            if name not in known:
                raise BadParameter(f"parameter {name!r} is not known here; known are {', '.join(known)}")
        asked = Asked({name: parameter.value(params.get(name, ())) for name, parameter in known.items()})
        if "from" in known and asked["from"] > asked["to"]:
            raise BadParameter(f"'from' {params['from'][0]!r} is after 'to' {params['to'][0]!r}: exchange them")
        return asked

    def schema(self, asked: Asked) -> pa.Schema:
        """The columns of this answer."""
        return pa.schema([column for column in self.columns if column != KEY or asked.by])
