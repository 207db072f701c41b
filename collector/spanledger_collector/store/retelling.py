"""Calls that were told of twice: candidates read back, the ones that lost their bill taken out of calls and rollups."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from spanledger_collector.tellings import LONGEST_NS, SLACK_NS, Telling

from . import columns
from .cluster import LOCAL
from .columns import TIME, Column, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from spanledger_collector.tellings import TellingId

Retold = tuple[Telling, "TellingId"]  # with the row that keeps the bill
_NO_SPAN: Final = bytes(8)
_READ: Final = """
SELECT trace_id, span_id, parent_span_id, toUnixTimestamp64Nano(start) AS start_ns, duration_ns, emitter, service,
    model, request_model, response_id, outcome, usage_grade, input_tokens, output_tokens, {billed} AS billed
FROM {table}
WHERE toStartOfHour(start) BETWEEN toStartOfHour(first) AND toStartOfHour(last)
  AND start BETWEEN first AND last AND segment != {{segment:UInt64}}
  AND (trace_id IN (SELECT toFixedString(unhex(arrayJoin({{traces:Array(String)}})), 16))
    OR (response_id != '' AND response_id IN {{replies:Array(String)}})
    OR has({{counts:Array(String)}},
        concat(toString(ifNull(input_tokens, 0)), '/', toString(ifNull(output_tokens, 0)))))"""
TELLINGS: Final = f"""
WITH fromUnixTimestamp64Nano({{first:Int64}}, 'UTC') AS first, fromUnixTimestamp64Nano({{last:Int64}}, 'UTC') AS last
{_READ.format(table="calls", billed=1)} UNION ALL {_READ.format(table="retold_calls", billed=0)}"""
COUNT: Final = "SELECT count() AS n FROM calls WHERE {where}"
# What DELETE FROM does: rows are masked, parts are not written again. This form has one for clusters as well.
DELETE: Final = "ALTER TABLE calls UPDATE _row_exists = 0 WHERE {where}"
VIEWS: Final = """
SELECT as_select, extract(create_table_query, 'TO\\\\s+(?:\\\\w+\\\\.)?(\\\\w+)') AS target FROM system.tables
WHERE database = currentDatabase() AND engine = 'MaterializedView'"""
COLUMNS: Final = """
SELECT name, type, is_in_sorting_key AS is_key FROM system.columns
WHERE database = currentDatabase() AND table = {target:String} ORDER BY position"""
_FROM_CALLS: Final = re.compile(rf"\bFROM (?:\w+\.)?calls(?:{LOCAL})?(?: AS \w+)?\b")


def parameters(suspects: Sequence[Telling], segment: int) -> dict[str, Any]:
    """Of ``TELLINGS``: whatever may tell of the same calls."""
    return {
        "first": max(0, min(each.start_ns for each in suspects) - LONGEST_NS),
        "last": max(each.end_ns for each in suspects) + SLACK_NS,
        "segment": segment,
        "traces": sorted({each.trace_id.hex() for each in suspects}),
        "replies": sorted({each.response_id for each in suspects if each.response_id}),
        "counts": sorted({"{}/{}".format(*(each.tokens or (0, 0))) for each in suspects}),
    }


def tellings(found: pa.Table) -> Iterator[tuple[Telling, bool]]:
    """Each with whether it is billed."""
    for row in found.to_pylist():
        counted = row["input_tokens"] is not None and row["usage_grade"] != "modelled"
        told = Telling(
            trace_id=row["trace_id"],
            span_id=row["span_id"],
            parent_span_id=row["parent_span_id"] if row["parent_span_id"] != _NO_SPAN else b"",
            start_ns=row["start_ns"],
            end_ns=row["start_ns"] + row["duration_ns"],
            emitter=row["emitter"],
            service=row["service"],
            model=row["model"],
            request_model=row["request_model"],
            response_id=row["response_id"],
            failed=row["outcome"] == "error",
            tokens=(row["input_tokens"], row["output_tokens"] or 0) if counted else None,
            grade=row["usage_grade"],
        )
        yield told, bool(row["billed"])


def _told(name: str, type_: pa.DataType, of: Any) -> Column[Retold]:
    return read(name, type_, lambda retold: of(retold[0]))


_TEXT: Final = pa.string()
_UINT64: Final = pa.uint64()
_COLUMNS: Final[tuple[Column[Retold], ...]] = (
    _told("start", TIME, lambda told: told.start_ns),
    _told("duration_ns", _UINT64, lambda told: told.end_ns - told.start_ns),
    _told("trace_id", pa.binary(16), lambda told: told.trace_id),
    _told("span_id", pa.binary(8), lambda told: told.span_id),
    _told("parent_span_id", pa.binary(8), lambda told: told.parent_span_id or _NO_SPAN),
    _told("emitter", _TEXT, lambda told: told.emitter),
    _told("service", _TEXT, lambda told: told.service),
    _told("model", _TEXT, lambda told: told.model),
    _told("request_model", _TEXT, lambda told: told.request_model),
    _told("response_id", _TEXT, lambda told: told.response_id),
    _told("outcome", _TEXT, lambda told: "error" if told.failed else "ok"),
    _told("usage_grade", _TEXT, lambda told: told.grade or "absent"),
    _told("input_tokens", _UINT64, lambda told: told.tokens[0] if told.tokens else None),
    _told("output_tokens", _UINT64, lambda told: told.tokens[1] if told.tokens else None),
    read("kept_trace_id", pa.binary(16), lambda retold: retold[1][0]),
    read("kept_span_id", pa.binary(8), lambda retold: retold[1][1]),
)


def table(retold: Sequence[Retold], segment: int) -> pa.Table:
    return columns.of_segment(columns.table(_COLUMNS, retold), segment)


def condition(lost: Sequence[Telling]) -> str:
    """SQL that selects these rows of ``calls``; ids are hexadecimal here."""
    first, last = min(each.start_ns for each in lost), max(each.start_ns for each in lost)
    ids = ", ".join(f"('{each.trace_id.hex()}', '{each.span_id.hex()}')" for each in lost)
    hours = (f"toStartOfHour(fromUnixTimestamp64Nano({moment}, 'UTC'))" for moment in (first, last))
    own = "lower(hex(trace_id)), lower(hex(span_id))"  # not toString, which takes zero bytes off the end
    return f"toStartOfHour(start) BETWEEN {' AND '.join(hours)} AND ({own}) IN ({ids})"


def negative(view: dict[str, Any], described: Sequence[dict[str, Any]], where: str) -> str:
    """What a rollup has of these rows, below zero; empty for a view that reads something else."""
    if not _FROM_CALLS.search(view["as_select"]):
        return ""
    said = _FROM_CALLS.sub(f"FROM (SELECT * FROM calls WHERE {where}) AS c", view["as_select"])  # noqa: S608 - of hexadecimal ids
    names = ", ".join(_negated(**column) for column in described)
    return f"SELECT {names} FROM ({said}) AS r"  # noqa: S608 - a view's own text


def _negated(name: str, type: str, is_key: int) -> str:  # noqa: A002 - the column's own word
    """An unsigned count below zero is its complement: sums wrap around, so that it subtracts all the same."""
    if is_key:
        return f"r.{name} AS {name}"
    value = f"negate(r.{name})"
    return f"reinterpretAsUInt64({value}) AS {name}" if type == "UInt64" else f"{value} AS {name}"
