"""Attributes as text: one bounded string per key, so that one huge prompt cannot swell the table."""

from __future__ import annotations

import json
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, Final, cast

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from spanledger_collector.model import AttributeValue

MAX_CHARS: Final = 8192
CUT: Final = "… [cut]"

_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=bytes.hex).encode


def _list(value: list[Any]) -> str:
    """As ``_json`` writes it; nearly all are of texts, which need no encoder made for them."""
    try:
        return "[" + ",".join(map(encode_basestring, value)) + "]"
    except TypeError:
        return _json(value)


_PLAIN: Final[Mapping[type, Callable[[Any], str]]] = {
    str: str,
    int: str,
    bool: {True: "true", False: "false"}.__getitem__,
    float: lambda value: repr(value) if value - value == 0 else _json(value),  # not for NaN and the infinities
    list: _list,
    bytes: bytes.hex,
    type(None): lambda _: "",
}


def text(value: AttributeValue) -> str:
    """Strings as they are; booleans, numbers and lists as JSON; bytes as hex; nothing as an empty string."""
    return _PLAIN.get(value.__class__, _json)(value)


def maps(rows: Iterable[Mapping[str, AttributeValue]]) -> pa.MapArray[Any, Any]:
    """A map of text to text per row. Built from two flat lists: a list of pairs per row takes five times as long."""
    keys: list[str] = []
    values: list[AttributeValue] = []
    ends = [0]
    for row in rows:
        keys += row
        values += row.values()
        ends.append(len(keys))
    offsets = cast("pa.Int64Array", pa.array(ends, pa.int32()))  # the stubs' width is not Arrow's
    return pa.MapArray.from_arrays(offsets, _strings(keys), _bounded(values))


def shared_maps(rows: Sequence[Mapping[str, AttributeValue]]) -> pa.Array[Any]:
    """The same for rows most of which are one object with the row before: each object is turned into text once."""
    places: list[int] = []
    different: list[Mapping[str, AttributeValue]] = []
    for row in rows:
        if not different or row is not different[-1]:
            different.append(row)
        places.append(len(different) - 1)
    return maps(different).take(pa.array(places, pa.int32()))


def cut_values(column: pa.ChunkedArray[Any]) -> int:
    """How many values of a map column lost their end."""
    values = (cast("pa.MapArray[Any, Any]", chunk).items for chunk in column.chunks)
    return sum(len(value.filter(pc.ends_with(value, CUT))) for value in values)


def _bounded(values: list[AttributeValue]) -> pa.StringArray:
    plain = _PLAIN.get
    texts = [value if value.__class__ is str else plain(value.__class__, _json)(value) for value in values]
    found = _strings(texts)
    lengths = pc.binary_length(found)  # in bytes, of which there are no fewer than characters
    if (pc.max(lengths).as_py() or 0) <= MAX_CHARS:
        return found
    return _strings([value if len(value) <= MAX_CHARS else value[:MAX_CHARS] + CUT for value in texts])


def _strings(values: Sequence[str]) -> pa.StringArray:
    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:  # JSON may carry half a surrogate pair, UTF-8 may not
        return pa.array([value.encode("utf-8", "replace").decode() for value in values], pa.string())
