"""An export as it is kept: ids and times that a second recording gives again, no machine's names, no long texts."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stage import Scene

    Json = dict[str, Any]

NOON_NS: Final = 1_793_620_800_000_000_000  # 2026-11-02T12:00:00Z
LONGEST_TEXT: Final = 200
_READ: Final = re.compile(r"usage|param|metadata|raw|request_data")  # texts that are data: kept whole
_KEPT_RESOURCE: Final = ("service.name", "telemetry.sdk.name", "telemetry.sdk.language")
_MACHINE: Final = re.compile(
    r"(^|[._])(host|process|os|pid|thread|user|organization|installation|session|conversation)([._]|$)|port$|run_id$"
)
_TIMES: Final = ("startTimeUnixNano", "endTimeUnixNano", "timeUnixNano", "observedTimeUnixNano")
_SCALAR: Final = re.compile(r'\{\s+"key": ("[^"\n]*"),\s+"value": \{\s+("[a-z]+Value": [^\n\[{]+)\s+\}\s+\}')
_SIGNALS: Final = {
    "resourceSpans": ("scopeSpans", "spans"),
    "resourceLogs": ("scopeLogs", "logRecords"),
}


def fixture(scene: Scene, packages: dict[str, str]) -> str:
    """The text of a fixture's file."""
    rename, moment = _numbering(), _clock(scene.exports)
    exports = [_export(each, rename, moment) for each in scene.exports]
    told = {"packages": packages, "simulated": scene.calls, "exports": list(filter(None, exports))}
    text = _SCALAR.sub(r'{"key": \1, "value": {\2}}', json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False))
    for number, call in enumerate(scene.calls, 1):
        if found := call["response_id"]:
            prefix = re.match(r"[a-z]+[-_]", found)
            text = text.replace(found, f"{prefix[0] if prefix else ''}recorded{number}")
    return re.sub(r"127\.0\.0\.1:\d{4,5}", "127.0.0.1:4010", text) + "\n"


def _export(export: Json, rename: Callable[[str], str], moment: Callable[[str], str]) -> Json:
    kept: Json = {}
    for signal, (scopes, records) in _SIGNALS.items():
        for resource in export.get(signal, ()):
            _attributes(resource.get("resource", {}), lambda key: key in _KEPT_RESOURCE or key.startswith("spanledger"))
            for scope in resource.get(scopes, ()):
                for record in scope.get(records, ()):
                    _record(record, rename, moment)
            kept.setdefault(signal, []).append(resource)
    return kept


def _record(record: Json, rename: Callable[[str], str], moment: Callable[[str], str]) -> None:
    for key in ("traceId", "spanId", "parentSpanId"):
        if record.get(key):
            record[key] = rename(record[key])
    for key in _TIMES:
        if key in record:
            record[key] = moment(record[key])
    _attributes(record, lambda key: not _MACHINE.search(key))
    if len(record.get("status", {}).get("message", "")) > LONGEST_TEXT:
        record["status"]["message"] = record["status"]["message"][:LONGEST_TEXT] + "…"
    for each in (*record.get("events", ()), *record.get("links", ())):
        _attributes(each, lambda key: not key.startswith("exception.stack"))
        each.pop("timeUnixNano", None)
        for key in ("traceId", "spanId"):
            if key in each:
                each[key] = rename(each[key])


def _attributes(holder: Json, keep: Callable[[str], bool]) -> None:
    if "attributes" in holder:
        holder["attributes"] = [_short(each) for each in holder["attributes"] if keep(each["key"])]


def _short(attribute: Json) -> Json:
    value = attribute.get("value", {})
    if len(value.get("stringValue", "")) > LONGEST_TEXT and not _READ.search(attribute["key"]):
        value["stringValue"] = value["stringValue"][:LONGEST_TEXT] + "…"
    return attribute


def _numbering() -> Callable[[str], str]:
    """Ids by the order in which they are first met; protobuf's JSON has them in base64, OTLP's in hex."""
    known: dict[str, str] = {}

    def rename(value: str) -> str:
        if value not in known:
            size = len(base64.b64decode(value))
            known[value] = f"{len(known) + 1:0{size * 2}x}"
        return known[value]

    return rename


def _clock(exports: list[Json]) -> Callable[[str], str]:
    """Times as milliseconds after noon, at which the first record began."""
    first = min((int(time) for time in _times(exports) if int(time)), default=0)

    def moment(text: str) -> str:
        return str(NOON_NS + (int(text) - first) // 1_000_000 * 1_000_000) if int(text) else text

    return moment


def _times(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key in _TIMES and isinstance(value, str):
                yield value
            else:
                yield from _times(value)
    elif isinstance(node, list):
        for item in node:
            yield from _times(item)
