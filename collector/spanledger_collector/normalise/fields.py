"""What every dialect's span has in common: identity, times, place, outcome, tags. Reads, never raises."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, cast

from spanledger import semconv
from spanledger_collector.model import Call
from spanledger_collector.normalise.process import process_of
from spanledger_collector.normalise.scalars import money, text, within
from spanledger_collector.normalise.shapes import resolved, shape_of
from spanledger_collector.normalise.tokens import usage_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanledger_collector.model import Attributes, AttributeValue, Span
    from spanledger_collector.normalise.shapes import Aliases

STATUS_ERROR = 2
LONGEST_WAIT_S = 1e9  # seconds: a first chunk later than 30 years is no time
UINT16 = 65_535
UINT32 = 4_294_967_295

MOST_CHARS = 10**11
LONGEST_JSON = 65_536  # characters: what an attribute is read for is small
# One exception's class at the start of a status text, as most emitters write it: "RateLimitError: Error code: 429"
_RAISED = re.compile(r"[\w.]*?(\w{1,80}(?:Error|Exception|Timeout|Exceeded))\b(?=[:(])")
_STATUS_SAID = re.compile(r"\b(?:Error code|status_code): ([1-5]\d\d)\b")
EXCEPTION_TYPE = "exception.type"
_SPELT = {"tool_call": "tool_calls"}  # of finish reasons
_OUTCOMES = frozenset(semconv.OUTCOMES)


def _chars(value: AttributeValue) -> int | None:
    return within(value, MOST_CHARS) if type(value) is int else None


def document(value: AttributeValue) -> Attributes:
    """The JSON object in a text; empty for anything else."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, str) or len(value) > LONGEST_JSON:
        return {}
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return {}
    return cast("Attributes", found) if isinstance(found, dict) else {}


def inner(found: Attributes, *names: str) -> Attributes:
    """The object under a path of names; empty where there is none."""
    for name in names:
        value = found.get(name)
        if not isinstance(value, dict):
            return {}
        found = value
    return found


def present(**values: AttributeValue) -> Attributes:
    """Those that are something, by the names that ``semconv`` gives them: ``present(REQUEST_MODEL="gpt-4.1")``."""
    return {getattr(semconv, name): value for name, value in values.items() if value not in (None, "")}


def call_of(span: Span, dialect: str, aliases: Aliases, derived: Attributes | None = None) -> Call:
    """The call a span describes. Of a name, ``derived`` stands before the attribute, that before its ``aliases``."""
    attributes = span.attributes
    found = resolved({**attributes, **derived} if derived else attributes, aliases)
    find = found.get
    process = process_of(span.resource, aliases)
    operation = text(find(semconv.OPERATION_NAME)).lower()
    request_model = text(find(semconv.REQUEST_MODEL))
    error_type = text(find(semconv.ERROR_TYPE)) or (_raised(span) if span.status == STATUS_ERROR else "")
    tags = {**process.tags, **{tag: text(attributes[name]) for tag, name in shape_of(attributes, aliases).tags}}
    usage, note = usage_of(found, operation)
    return Call(
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_span_id=span.parent_span_id,
        start_ns=span.start_ns,
        duration_ns=0 if find(semconv.UNWAITED) is True else max(0, span.end_ns - span.start_ns),
        dialect=dialect,
        service=process.service,
        service_version=process.version,
        environment=process.environment,
        provider=text(find(semconv.PROVIDER_NAME)),
        server_address=text(find(semconv.SERVER_ADDRESS)),
        operation=operation,
        request_model=request_model,
        model=text(find(semconv.RESPONSE_MODEL)) or request_model,
        response_id=text(find(semconv.RESPONSE_ID)),
        stream=find(semconv.REQUEST_STREAM) is True,
        outcome=_outcome(attributes.get(semconv.OUTCOME), span.status, error_type),
        error_type=error_type,
        http_status=within(find(semconv.HTTP_STATUS), UINT16) or _status_said(span),
        finish_reason=_finish_reason(find(semconv.RESPONSE_FINISH_REASONS)),
        service_tier=text(find(semconv.SERVICE_TIER)).lower(),
        attempts=_attempts(find),
        first_chunk_ns=_nanoseconds(find(semconv.RESPONSE_TIME_TO_FIRST_CHUNK)),
        usage=usage,
        conversation=text(find(semconv.CONVERSATION_ID)),
        prompt_name=text(find(semconv.PROMPT_NAME)),
        prompt_version=text(find(semconv.PROMPT_VERSION)),
        feature=tags.get("feature", ""),
        team=tags.get("team", ""),
        user=tags.get("user", ""),
        tags=tags,
        code_file=text(find(semconv.CODE_FILE)),
        code_line=within(find(semconv.CODE_LINE), UINT32),
        code_function=text(find(semconv.CODE_FUNCTION)),
        demo=process.demo,
        emitter=span.scope,
        reported_cost=money(find(semconv.REPORTED_COST)),
        input_chars=_chars(find(semconv.INPUT_CHARS)),
        output_chars=_chars(find(semconv.OUTPUT_CHARS)),
        usage_note=note,
    )


def _raised(span: Span) -> str:
    """The exception's class: from the span's event, else where the status text begins with one."""
    if told := text(span.attributes.get(EXCEPTION_TYPE)):
        return told.rpartition(".")[2]
    found = _RAISED.match(span.status_message)
    return found[1] if found else ""


def _status_said(span: Span) -> int:
    """The HTTP status in the text of an SDK's error; 0 where there is none."""
    found = _STATUS_SAID.search(span.status_message) if span.status == STATUS_ERROR else None
    return int(found[1]) if found else 0


def _outcome(reported: AttributeValue, status: int, error_type: str) -> str:
    if isinstance(reported, str) and reported in _OUTCOMES:
        return reported
    return "error" if status == STATUS_ERROR or error_type else "ok"


def _finish_reason(value: AttributeValue) -> str:
    """The first choice's, out of a list, of a list in JSON, or alone."""
    if isinstance(value, str) and value.startswith("["):
        value = document(f'{{"all": {value}}}').get("all", value)
    reason = next(filter(None, map(text, value)), "") if isinstance(value, list) else text(value)
    reason = reason.replace("-", "_")
    return _SPELT.get(reason, reason)


def _attempts(find: Callable[[str], AttributeValue]) -> int:
    """Requests sent: as counted, else one more than were sent again."""
    counted = within(find(semconv.ATTEMPTS), UINT16)
    return counted or min(UINT16, within(find(semconv.HTTP_RESEND_COUNT), UINT16) + 1)


def _nanoseconds(seconds: AttributeValue) -> int | None:
    if isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and 0 <= seconds <= LONGEST_WAIT_S:
        return int(seconds * 1e9)
    return None
