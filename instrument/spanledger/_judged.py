"""What the application itself thinks of a reply: `validation(...)`, `fallback(...)`, and validation by pydantic.

It goes onto the span of the call it judges, or, as that has mostly ended by then, onto a small span below it which the
collector brings together with the call by its id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanKind, set_span_in_context

from . import semconv
from ._call import Made, failed, last, made_in
from ._guard import guarded, warn_once

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST: Final = 256  # characters of a name or field path
_MOST: Final = 20  # fields


def validation(name: str, ok: bool, fields: Iterable[str], errors: Iterable[str]) -> None:  # noqa: FBT001
    guarded(_validation, name, ok, fields, errors)


def fallback(to: str) -> None:
    guarded(_attach, "spanledger.fallback", {semconv.FALLBACK_TO: str(to)[:_LONGEST]}, True)  # noqa: FBT003


def _validation(name: str, ok: bool, fields: Iterable[str], errors: Iterable[str]) -> None:  # noqa: FBT001
    told: dict[str, Any] = {
        semconv.VALIDATION_OUTCOME: "ok" if ok else "failed",
        semconv.VALIDATION_SCHEMA: str(name)[:_LONGEST],
        semconv.VALIDATION_BY: "application",
    }
    for key, values in ((semconv.VALIDATION_FIELDS, fields), (semconv.VALIDATION_ERRORS, errors)):
        listed = [str(value)[:_LONGEST] for value in values][:_MOST]
        if listed:
            told[key] = listed
    _attach("spanledger.validation", told, not ok)


def _attach(name: str, told: dict[str, Any], useless: bool) -> None:  # noqa: FBT001
    made = _last_call()
    if made is not None and useless:
        failed(made)
    if made is None:
        warn_once(
            f"nothing to judge {name}", "spanledger: %s() has no call before it in this context (said once)", name
        )
    elif made.call is not None and made.call.open:
        made.call.attributes |= told
    else:
        span_of_judgement(made, name, told)


def _last_call() -> Made | None:
    """The last of this context, unless that is left over from another trace than the one that is current."""
    made = last.get()
    trace_id = trace.get_current_span().get_span_context().trace_id
    if made is not None and (made.context is None or made.context.trace_id == trace_id):
        return made
    return made_in(trace_id) or made


def span_of_judgement(made: Made, name: str, told: dict[str, Any], at_ns: int | None = None) -> None:
    """A span without duration below a call that has ended."""
    if made.context is None or made.destination is None:
        return  # the call was not recorded
    told[semconv.JUDGED_SPAN_ID] = f"{made.context.span_id:016x}"
    if made.response_id:
        told[semconv.JUDGED_RESPONSE_ID] = made.response_id
    parent = set_span_in_context(NonRecordingSpan(made.context))
    tracer = made.destination.tracer
    span = tracer.start_span(name, parent, kind=SpanKind.INTERNAL, attributes=told, start_time=at_ns)
    span.end(at_ns)
