"""Spans our code failed on, each in a readable file with the reason; the oldest go when there are too many."""

from __future__ import annotations

import json
import logging
import traceback
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

    from spanledger_collector.counters import Counters
    from spanledger_collector.model import Span

logger = logging.getLogger(__name__)
MAX_FILES: Final = 1000
MAX_TEXT: Final = 2000  # characters of one value in a letter


class DeadLetters:
    """A bounded directory of JSON files named by segment and place in it: a replay writes the same ones again."""

    def __init__(self, directory: Path, counters: Counters, max_files: int = MAX_FILES) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._directory, self._counters, self._max_files = directory, counters, max_files

    def keep_span(self, segment: int, place: int, span: Span, error: Exception) -> None:
        """A span that could not be read as a call or priced."""
        self._keep(segment, place, "span", _readable_span(span), error)

    def keep_request(self, segment: int, place: int, body: bytes, error: Exception) -> None:
        """A whole request that could not be decoded, in hex."""
        self._keep(segment, place, "request", body.hex(), error)

    def _keep(self, segment: int, place: int, what: str, content: Any, error: Exception) -> None:
        self._counters.add("spanledger_spans_dead_lettered_total", stage=what)
        reason = "".join(traceback.format_exception_only(type(error), error)).strip()
        where = "".join(traceback.format_tb(error.__traceback__)[-2:])
        letter = {"segment": segment, "place": place, "reason": reason, "where": where, what: content}
        path = self._directory / f"{segment:020d}-{place:06d}.json"
        try:
            path.touch(mode=0o600)
            path.write_text(json.dumps(letter, indent=1))
            self._drop_oldest()
        except OSError as failure:
            logger.error("a dead letter is lost, cannot write %s: %s. It was: %s", path, failure, reason)  # noqa: TRY400
            self._counters.add("spanledger_dead_letters_dropped_total")
        else:
            logger.warning("a %s was put aside in %s: %s", what, path, reason)

    def _drop_oldest(self) -> None:
        letters = sorted(self._directory.glob("*.json"))
        for path in letters[: -self._max_files]:
            path.unlink(missing_ok=True)
            self._counters.add("spanledger_dead_letters_dropped_total")


def _readable_span(span: Span) -> dict[str, Any]:
    return {
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "parent_span_id": span.parent_span_id.hex(),
        "name": span.name,
        "scope": span.scope,
        "kind": span.kind,
        "start_ns": span.start_ns,
        "end_ns": span.end_ns,
        "status": span.status,
        "status_message": span.status_message[:MAX_TEXT],
        "attributes": {key: _readable(value) for key, value in span.attributes.items()},
        "resource": {key: _readable(value) for key, value in span.resource.items()},
    }


def _readable(value: Any) -> Any:
    if isinstance(value, bytes):
        return "0x" + value[:MAX_TEXT].hex()
    if isinstance(value, str):
        return value[:MAX_TEXT]
    if isinstance(value, (list, dict)):
        return repr(value)[:MAX_TEXT]
    return value
