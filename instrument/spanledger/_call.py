"""One logical, billed call: from the request to one finished span."""

from __future__ import annotations

from contextlib import suppress
from contextvars import ContextVar, Token
from functools import partial
from time import perf_counter, time_ns
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import context
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

from . import _fingerprint, _setup, semconv
from ._attempts import Attempts
from ._client import is_raw, seconds, server
from ._guard import guarded
from ._headers import rate_limits, retry_after, status_of
from ._later import LATER
from .integrations._shape import DONE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context
    from opentelemetry.trace import Span, SpanContext

    from ._logical import Logical
    from ._native import NativeSpan
    from .integrations._shape import Integration, Request, Target

current: Final = _setup.current
_MOST_TRACES: Final = 1000
_ERROR: Final = Status(StatusCode.ERROR)  # without a description: the SDKs' error texts quote prompts
_FAILED: Final = ("error", "truncated", "cancelled")


class Made:
    """What is remembered of a call in its context and trace, so that a reply can be judged after its call's end."""

    __slots__ = ("call", "context", "destination", "failed_ns", "logical", "place", "response_id")

    def __init__(self, call: Call) -> None:
        self.call: Call | None = call  # while it is open
        self.context: SpanContext | None = None
        self.destination: _setup.Destination | None = None
        self.response_id = ""
        self.logical: Logical | None = None
        self.failed_ns = 0
        before = last.get()
        self.place: object = object() if before is None else before.place  # one for all calls of a context


last: ContextVar[Made | None] = ContextVar("spanledger_last", default=None)
_last_in: dict[int, Made] = {}  # trace id -> its last call: contexts of threads and tasks do not come back


def made_in(trace_id: int) -> Made | None:
    return _last_in.get(trace_id) if trace_id else None


class Call:
    """Made when the SDK method is called, begun when its work begins, finished exactly once."""

    __slots__ = (
        "_attached",
        "_entered",
        "_forks",
        "_pending",
        "answered_at",
        "attempts",
        "attributes",
        "client",
        "destination",
        "first_piece_at",
        "given",
        "injected",
        "integration",
        "made",
        "native",
        "parent",
        "prompt",
        "raw",
        "request",
        "response",
        "span",
        "start_ns",
        "started",
        "target",
    )  # fmt: skip

    request: Request
    attempts: Attempts
    destination: _setup.Destination
    parent: Context
    raw: bool  # the caller gets the HTTP response: `with_raw_response`, `with_streaming_response`

    def __init__(
        self,
        integration: Integration,
        target: Target,
        client: Any,
        given: Mapping[str, Any],
        attributes: dict[str, Any],
    ) -> None:
        self.integration = integration
        self.target = target
        self.client = client
        self.given = given  # the method's arguments; let go once the request is read
        self.attributes = attributes  # grows until the span takes it: tags and call site first
        self.response: Any = None  # the HTTP response, once there is one
        self.answered_at: float | None = None
        self.first_piece_at: float | None = None
        self.span: Span | None = None
        self.native: NativeSpan | None = None
        self.injected: dict[str, Any] | None = None  # the arguments to send in place of the application's
        self.made = Made(self)
        self.prompt: _fingerprint.Prompt | None = None  # on its way to its fingerprints
        self._forks = _setup.forks()
        self._pending: list[bool] = []  # one from begin() on; popped by the first finish, whichever thread it is in
        self._entered: Token[Call | None] | None = None
        self._attached: Any = None

    def begin(self) -> None:
        """Read the request and open the span. With native spans about, theirs is used (`_native`) when it shows up."""
        self.destination = _setup.destination()
        self.request = request = self.integration.read_request(self.target.api, self.given)
        self.attributes |= server(self.client, self.integration)
        self.attributes[semconv.OPERATION_NAME] = self.integration.operations[self.target.api]
        self.attributes |= request.attributes
        self.attributes[semconv.REQUEST_MODEL] = request.model
        self.parent = self._inside()
        self.start_ns = time_ns()
        if not self._may_open_late():
            self._open_span()
        self._read_settings(self.given)
        self.given = {}
        self.attempts = Attempts()
        self._pending.append(True)
        self.started = perf_counter()

    def _inside(self) -> Context:
        """The context this call belongs to. A call that another SDK makes for a delegating one takes its place."""
        outer = current.get()
        if outer is None or not outer.integration.delegates:
            return _setup.parent(self.destination)
        guarded(outer.hand_over)
        return outer.parent

    def _may_open_late(self) -> bool:
        """Whether a span of somebody else's may stand for the call: the SDK's own, or that of the SDK below."""
        if self.integration.delegates:
            return True
        return not self.destination.own and getattr(self.client, "_tracer", None) is not None

    def hand_over(self) -> None:
        """Another SDK's call is the bill. What this one sent by itself before that is one more."""
        if self.response is not None and status_of(self.response) < 400:  # noqa: PLR2004
            self.finish("ok")  # answered: the reply it will return is the other call's
        elif self.attempts.seen:
            self.finish("error")
        else:
            self._pending.clear()

    @property
    def begun(self) -> bool:
        return hasattr(self, "started")

    def _open_span(self) -> None:
        told = self.attributes
        keys = (semconv.OPERATION_NAME, semconv.PROVIDER_NAME, semconv.REQUEST_MODEL)
        self.span = self.destination.tracer.start_span(
            f"{told[semconv.OPERATION_NAME]} {told[semconv.REQUEST_MODEL]}".rstrip(),
            context=self.parent,
            kind=SpanKind.INTERNAL if semconv.CACHE_HIT in told else SpanKind.CLIENT,  # a hit is no bill
            attributes={key: told[key] for key in keys},  # what samplers decide by
            start_time=self.start_ns,
        )
        self.made.context = self.span.get_span_context()

    def _read_settings(self, kwargs: Mapping[str, Any]) -> None:
        request, told = self.request, self.attributes
        self.raw = is_raw(kwargs)
        if request.stream or self.target.streams or self.target.kind == "enters":
            told[semconv.REQUEST_STREAM] = request.stream = True
        timeout = seconds(kwargs.get("timeout"))
        timeout = seconds(getattr(self.client, "timeout", None)) if timeout is None else timeout
        if timeout is not None:
            told[semconv.REQUEST_TIMEOUT] = timeout
        retries = getattr(self.client, "max_retries", None)
        if isinstance(retries, int):
            told[semconv.REQUEST_MAX_RETRIES] = retries
        if self.span is None or self.span.is_recording():
            self.prompt = guarded(_fingerprint.take, self, told)

    def answered(self, response: Any) -> None:
        """The last attempt's response headers are here, and its body too unless it is streamed."""
        self.response = response
        self.answered_at = perf_counter()

    def start(self) -> bool:
        self.begin()
        guarded(self.enter)  # a failure half way is undone by leave()
        return True

    def enter(self) -> None:
        """Let observers find this call, and spans of the HTTP client nest under ours where they share a provider."""
        self._entered = current.set(self)
        last.set(self.made)
        if self.span is not None and _setup.in_applications_traces(self.destination):
            self._attached = context.attach(set_span_in_context(self.span, self.parent))

    def leave(self) -> None:
        if self._attached is not None:
            _reset(self._attached)
            self._attached = None
        if self._entered is not None:
            _reset(self._entered)
            self._entered = None

    @property
    def open(self) -> bool:
        """Begun, not finished yet, and this process's: a forked child holds copies of its parent's streams."""
        return bool(self._pending) and self._forks == _setup.forks()

    def finish(self, outcome: str, told: Mapping[str, Any] | None = None, error: BaseException | None = None) -> None:
        """End the span; whoever comes second is too late and changes nothing."""
        if not self.open:
            return
        try:
            self._pending.pop()
        except IndexError:
            return
        ended = perf_counter()
        if error is not None and not self._was_sent(error):
            if self.native is not None:
                self.native.release()
            return  # nothing went out: nothing to bill, and a span that never ends is never exported
        attributes = self.attributes
        attributes |= told or {}
        if DONE in attributes:
            guarded(_billed_apart, self)
        if semconv.ERROR_TYPE in attributes:
            outcome = "error"
        attributes |= guarded(self._transport, error, ended) or {}
        attributes[semconv.OUTCOME] = outcome
        attributes[semconv.USAGE_GRADE] = _grade(attributes, outcome)
        self._tell_speed(ended)
        self.response = None  # it may hold the reply's whole text
        if outcome in _FAILED:
            guarded(failed, self.made)
        if self.span is None and self.native is None:
            self._open_span()
        self._remember(attributes.get(semconv.RESPONSE_ID))
        close = partial(self._close_span, outcome, int((ended - self.started) * 1e9) + self.start_ns)
        if self.prompt is None:
            close()
        else:
            self.prompt.then(close)

    def _tell_speed(self, ended: float) -> None:
        attributes, since = self.attributes, self.started
        if self.first_piece_at is not None:
            attributes[semconv.RESPONSE_TIME_TO_FIRST_CHUNK] = self.first_piece_at - self.started
            since = self.first_piece_at
        output = attributes.get(semconv.USAGE_OUTPUT_TOKENS)
        if output and ended > since:
            attributes[semconv.OUTPUT_TOKENS_PER_SECOND] = output / (ended - since)

    def _remember(self, response_id: Any) -> None:
        made, span = self.made, self.span or self.native
        assert span is not None
        made.call, made.context, made.destination = None, span.get_span_context(), self.destination
        made.response_id = response_id or ""
        with LATER.lock:
            _last_in[made.context.trace_id] = made
            if len(_last_in) > _MOST_TRACES:
                del _last_in[next(iter(_last_in))]

    def _close_span(self, outcome: str, end_ns: int) -> None:
        attributes, prompt = self.attributes, self.prompt
        if prompt is not None and prompt.placed:
            placed = prompt.placed
            attributes = {
                key: value for key, value in attributes.items() if key not in placed or placed[key] is not value
            }
        elif prompt is not None:
            attributes |= prompt.hashes
            if self.integration.delegates:  # and did not, or it would have no span
                attributes |= guarded(_fingerprint.logical, self, prompt.hashes) or {}
        if self.native is not None:
            self.native.enrich(attributes)
        elif self.span is not None:
            self.span.set_attributes(attributes)
            if outcome == "error":
                self.span.set_status(_ERROR)
            self.span.end(end_ns)
        if _setup.options.metrics and semconv.CACHE_HIT not in attributes:
            measure = partial(_measure, self.attributes, (end_ns - self.start_ns) / 1e9)
            if not LATER.hand(measure):
                measure()

    def _was_sent(self, error: BaseException) -> bool:
        if self.response is not None or self.attempts.seen:
            return True
        return not isinstance(error, (TypeError, ValueError)) and type(error).__name__ not in self.integration.unsent

    def _transport(self, error: BaseException | None, ended: float) -> dict[str, Any]:
        response = self.response
        if response is None:
            response = None if error is None else self.integration.response_of(error)
        status = 0 if response is None else status_of(response)
        told: dict[str, Any] = {}
        if response is not None:
            told |= rate_limits(response)
            told[semconv.HTTP_STATUS] = status
        name = ""
        if error is not None:
            name = told[semconv.ERROR_TYPE] = type(error).__name__
        unanswered = name if response is None else ""
        wait = retry_after(response) if response is not None and status >= 400 else -1.0  # noqa: PLR2004
        return told | self.attempts.attributes(status, unanswered, self.answered_at or ended, wait)


def _billed_apart(call: Call) -> None:
    from ._billing import of_call

    of_call(call)


def _measure(attributes: Mapping[str, Any], took: float) -> None:
    from ._metrics import record

    guarded(record, attributes, took)


def failed(made: Made) -> None:
    """From now on the call may be repeated: it failed, or the application does without its reply."""
    from . import _logical

    _logical.failed(made)


def said(call: Call, texts: list[str]) -> None:
    """Have the reply recognised should the application validate it."""
    if texts:
        from ._replies import remember

        remember(call.made, texts)
        if _setup.options.content:
            from ._content import replied

            call.attributes |= replied(texts)


def validated(call: Call, error: BaseException | None, reply: Any = None) -> dict[str, Any]:
    """The outcome of structured output, for calls that asked for a schema."""
    schema = call.request.schema
    if error is None and schema is None:
        return {}
    from . import _validation

    if error is not None:
        return _validation.failed(error, schema)
    return _validation.judged(schema, fits=not call.integration.misfits(reply))


def _grade(attributes: Mapping[str, Any], outcome: str) -> str:
    if semconv.USAGE_INPUT_TOKENS not in attributes and semconv.USAGE_OUTPUT_TOKENS not in attributes:
        return "absent"
    return (
        "partial"
        if outcome in ("abandoned", "truncated", "cancelled") or _cut_short(attributes, outcome)
        else "measured"
    )


def _cut_short(attributes: Mapping[str, Any], outcome: str) -> bool:
    """A stream that failed before its last word: what it counted so far is not the bill."""
    return (
        outcome == "error"
        and semconv.REQUEST_STREAM in attributes
        and semconv.RESPONSE_FINISH_REASONS not in attributes
    )


def _reset(token: Any) -> None:
    """Undo a context variable. A coroutine collected as garbage ends in another context, with nothing to undo."""
    with suppress(ValueError):
        token.var.reset(token)
