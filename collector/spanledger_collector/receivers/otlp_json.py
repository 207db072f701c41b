"""OTLP/JSON to the same request in protobuf. It differs from protobuf's own JSON in one point: ids are hex.

One malformed span or log record costs itself and not the request, as in protobuf.
https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.json_format import ParseDict, ParseError

from spanledger_collector.otlp import NOTHING, Checked, Unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from google.protobuf.message import Message

    Levels = Sequence[tuple[str, ...]]

# What json_format and upb raise for wrong shapes, besides their own ParseError (protobuf 7, found by fuzzing).
_MALFORMED: Final = (ParseError, ValueError, TypeError, AttributeError, RecursionError, SystemError)
_IDS: Final = ("traceId", "spanId", "parentSpanId")
# Of the requests whose records stand for themselves: the lists within each other, in JSON and, last, in protobuf.
_LEVELS: Final[Mapping[str, Levels]] = {
    "ExportTraceServiceRequest": (("resourceSpans", "resource_spans"), ("scopeSpans", "scope_spans"), ("spans",)),
    "ExportLogsServiceRequest": (
        ("resourceLogs", "resource_logs"),
        ("scopeLogs", "scope_logs"),
        ("logRecords", "log_records"),
    ),
}
_MAX_DEPTH: Final = 100  # of messages within each other, as ParseDict has it
_MAX_PLACES: Final = 5  # named to the sender
_MAX_WHY: Final = 200  # characters


def read(body: bytes, kind: type[Message]) -> tuple[bytes, Checked]:
    """What can be read of `body` as the protobuf bytes of a `kind`, and what is refused. Raises Unreadable."""
    try:
        return to_protobuf(body, kind()), NOTHING
    except Unreadable:
        if kind.DESCRIPTOR.name not in _LEVELS:
            raise
    request, parts = kind(), _Parts(_LEVELS[kind.DESCRIPTOR.name])
    try:
        parts.fill(request, _document(body))
        return bytes(request.SerializeToString()), parts.refused()
    except _MALFORMED as error:
        raise _unreadable(error) from error


def to_protobuf(body: bytes, request: Message) -> bytes:
    """`body`, all of it, as the protobuf bytes of `request`'s type. Raises Unreadable."""
    try:
        return bytes(_parsed(json.loads(body), request).SerializeToString())
    except _MALFORMED as error:
        raise _unreadable(error) from error


class _Parts:
    """Reads a request part by part, and leaves out what it cannot read."""

    def __init__(self, levels: Levels) -> None:
        self._levels = levels
        self._records = self._places = 0
        self._told: list[str] = []

    def refused(self) -> Checked:
        more = self._places - len(self._told)
        told = (*self._told, f"{more} more places") if more else tuple(self._told)
        return Checked(0, {"malformed": self._records}, told) if self._records else NOTHING

    def fill(self, message: Message, node: Any, level: int = 0, place: str = "") -> None:
        """Raises one of _MALFORMED for what is wrong with `node` beside the parts in its list."""
        if level == len(self._levels):
            _parsed(node, message, level)
            return
        names = self._levels[level]
        _parsed({key: item for key, item in _object(node).items() if key not in names}, message, level)
        parts = getattr(message, names[-1])
        for number, item in enumerate(_list(node, names)):
            self._add(parts, item, level + 1, f"{place}{names[0]}[{number}]")

    def _add(self, parts: Any, node: Any, level: int, place: str) -> None:
        try:
            self.fill(parts.add(), node, level, f"{place}.")
        except _MALFORMED as error:
            del parts[-1]
            if records := self._count(node, level):
                self._refuse(records, f"{place}: {_why(error)}")

    def _refuse(self, records: int, told: str) -> None:
        self._records += records
        self._places += 1
        if len(self._told) < _MAX_PLACES:
            self._told.append(told)

    def _count(self, node: Any, level: int) -> int:
        """Records in what is refused as a whole; what has no list of them counts for one."""
        if level == len(self._levels):
            return 1
        try:
            return sum(self._count(item, level + 1) for item in _list(_object(node), self._levels[level]))
        except (TypeError, ValueError):
            return 1


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except UnicodeDecodeError:  # what is not UTF-8 is refused where it stands: no text of protobuf holds a surrogate
        return json.loads(body.decode("utf-8", "surrogateescape"))


def _parsed(node: Any, message: Message, level: int = 0) -> Message:
    fields = _with_ids(_object(node))
    ParseDict(fields, message, ignore_unknown_fields=True, max_recursion_depth=_MAX_DEPTH - level)
    return message


def _object(node: Any) -> dict[str, Any]:
    if not isinstance(node, dict):
        raise TypeError(f"an object is expected, not {type(node).__name__}")
    return node


def _list(node: dict[str, Any], names: tuple[str, ...]) -> list[Any]:
    found = [node[name] for name in names if node.get(name) is not None]
    if len(found) > 1 or not isinstance(found[0] if found else [], list):
        raise ValueError(f"one list of {names[0]} is expected")
    return found[0] if found else []


def _unreadable(error: Exception) -> Unreadable:
    return Unreadable(f"not an OTLP request in JSON: {_why(error)}")


def _why(error: Exception) -> str:
    """In characters that an answer can hold."""
    return str(error)[:_MAX_WHY].encode("utf-8", "replace").decode()


def _with_ids(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _base64(key, item) if key in _IDS else _with_ids(item) for key, item in node.items()}
    return [_with_ids(item) for item in node] if isinstance(node, list) else node


def _base64(key: str, text: Any) -> str:
    try:
        return base64.b64encode(bytes.fromhex(text)).decode()
    except (TypeError, ValueError, binascii.Error) as error:
        raise ValueError(f"{key} is not hexadecimal: {str(text)[:64]!r}") from error
