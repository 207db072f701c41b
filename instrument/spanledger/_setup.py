"""Where spans go: the application's tracer provider, or one of our own that is always on. Made at the first call."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
from contextvars import ContextVar
from dataclasses import dataclass
from operator import attrgetter
from pathlib import PurePath
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from opentelemetry import context, trace

from ._guard import guarded, warn_once
from ._version import __version__
from .settings import DEFAULT_ENDPOINT, TRACES_PATH, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context

    from ._call import Call

_SCOPE: Final = "spanledger"
_OTLP_PORTS: Final = {4317, 4318}  # gRPC and HTTP of one collector
_EXIT_MILLIS: Final = 1500  # the longest an absent collector may delay the exit of the process


@dataclass(frozen=True, slots=True)
class Destination:
    """`own`: the provider is ours alone, so nothing of it may show in the application's context or traces."""

    tracer: trace.Tracer
    provider: trace.TracerProvider
    own: bool


@dataclass(frozen=True, slots=True)
class Enclosing:
    """A structure span that calls of its framework belong under, and the application's span it was opened in."""

    span: trace.Span
    outside: trace.SpanContext
    order: int  # of opening: the last one is the innermost


@dataclass(slots=True)
class _State:
    given: trace.TracerProvider | None = None
    endpoint: str | None = None  # not None: a provider of our own
    token: str | None = None
    service: str | None = None
    destination: Destination | None = None
    sender: Any = None  # of our own provider
    ended: bool = False  # the process is at its end, and everything is sent


_state = _State()
options = Settings()  # what is to be recorded, and how
_lock = threading.Lock()
_forks = [0]  # how many lie between this process and the one that imported us
current: ContextVar[Call | None] = ContextVar("spanledger_call", default=None)
enclosing: ContextVar[Enclosing | None] = ContextVar("spanledger_enclosing", default=None)
finders: list[Callable[[], Enclosing | None]] = []  # ask a framework's own context what is current in it
before_exit: list[Callable[[], None]] = []  # called before the last flush
before_leaving: list[Callable[[], None]] = []  # called before a destination's last flush


def use_provider(provider: trace.TracerProvider | None) -> None:
    """Send to `provider`, or to the application's global one, which may be set later."""
    with _lock:
        _leave()
        _state.given, _state.endpoint = provider, None


def use_endpoint(endpoint: str | None, token: str | None, service: str | None = None) -> None:
    """Send to a collector's OTLP/HTTP listener, through a provider of our own."""
    with _lock:
        _leave()
        _state.endpoint, _state.token, _state.service = endpoint or DEFAULT_ENDPOINT, token, service
        _at_exit()  # early, so that it runs last: what the application calls at its exit is recorded too


def use(settings: Settings) -> None:
    global options  # noqa: PLW0603 - read at every call, without one more call
    options = settings


def forks() -> int:
    return _forks[0]


def _leave() -> None:
    """End the spans that still wait for something, and send off what the last destination holds, if it was ours."""
    started = perf_counter()
    for work in before_leaving:
        guarded(work)
    if _state.sender is not None:
        spent = int((perf_counter() - started) * 1000)
        guarded(_state.sender.stop, max(0, _EXIT_MILLIS - spent))
    _state.destination = _state.sender = None


def destination() -> Destination:
    """The place for a call made now."""
    return _state.destination or _open()


def in_applications_traces(to: Destination) -> bool:
    """Whether spans made there may be parents of the application's: not where only a provider of ours knows them, or
    one that was given while the application has set another.
    """
    theirs = getattr(trace, "_TRACER_PROVIDER", None)  # get_tracer_provider() would set one when a variable names it
    return not to.own and (_state.given is None or theirs is None or theirs is _state.given)


def same_place(provider: Any) -> bool:
    """Whether `provider`, the application's, sends to the collector that we send to ourselves."""
    ours = urlsplit(_state.endpoint or "")
    return any(
        url.hostname == ours.hostname and (url.port == ours.port or {url.port, ours.port} == _OTLP_PORTS)
        for url in map(urlsplit, _endpoints(provider))
    )


def _endpoints(provider: Any) -> list[str]:
    """Where the exporters of an SDK's provider send to. The SDK has no public way to ask."""
    found = []
    for processor in getattr(getattr(provider, "_active_span_processor", None), "_span_processors", ()):
        exporter = getattr(processor, "span_exporter", None)
        endpoint = getattr(exporter, "_endpoint", None)
        if isinstance(endpoint, str):
            found.append(endpoint if "://" in endpoint else f"grpc://{endpoint}")
    return found


def parent(to: Destination) -> Context:
    """Where a span made now belongs: in the application's context, or in the structure span opened in that."""
    here = context.get_current()
    inside = _innermost() if finders else enclosing.get()
    if inside is None:
        return here
    around = trace.get_current_span(here).get_span_context()
    if around.span_id != inside.outside.span_id:  # the application has opened a span since, or is elsewhere
        ours = inside.span.get_span_context()
        if not to.own or around.trace_id != ours.trace_id:
            return here
    return trace.set_span_in_context(inside.span, here)


def _innermost() -> Enclosing | None:
    found = [enclosing.get(), *(guarded(find) for find in finders)]
    return max((each for each in found if each is not None), key=attrgetter("order"), default=None)


def _open() -> Destination:
    with _lock:
        if _state.destination is None:
            _state.destination = _own() if _state.endpoint else _applications()
            _at_exit_of_child()
            if not _state.endpoint:
                _at_exit()  # only now: what is registered last runs first, before the application's provider shuts down
        return _state.destination


def _applications() -> Destination:
    provider = _state.given or trace.get_tracer_provider()
    if _state.given is None and not hasattr(provider, "resource"):
        warn_once(
            "no provider",
            "spanledger: the application has no tracer provider, so calls are not recorded until it sets one; "
            "or set SPANLEDGER_ENDPOINT",
        )
        # Not kept: a provider set later is then seen here, and told from the native spans' one by identity.
    return Destination(trace.get_tracer(_SCOPE, __version__, tracer_provider=_state.given), provider, own=False)


def _own() -> Destination:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON

    from ._export import processor

    assert _state.endpoint is not None
    provider = TracerProvider(sampler=ALWAYS_ON, resource=_resource(), shutdown_on_exit=False)
    sender = processor(_state.endpoint + TRACES_PATH, _state.token)
    provider.add_span_processor(sender)
    _state.sender = sender
    return Destination(provider.get_tracer(_SCOPE, __version__), provider, own=True)


def _at_exit() -> None:
    _state.ended = False
    atexit.unregister(_finish)
    atexit.register(_finish)


def _at_exit_of_child() -> None:
    """Children of multiprocessing leave by os._exit: atexit is not run there."""
    process, util = sys.modules.get("multiprocessing.process"), sys.modules.get("multiprocessing.util")
    if util is not None and process is not None and process.parent_process() is not None:
        util.Finalize(None, _finish, exitpriority=10)


def ended() -> bool:
    """Whether it is too late to record: only daemon threads and finalizers are still running."""
    return _state.ended


def _finish() -> None:
    for work in before_exit:
        guarded(work)
    _leave()
    _state.ended = True


def _resource() -> Any:
    """The application's resource, else OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES; unnamed: the script's name."""
    from opentelemetry.sdk.resources import Resource

    # get_tracer_provider() would set the global provider when this variable names one.
    application = None if "OTEL_PYTHON_TRACER_PROVIDER" in os.environ else trace.get_tracer_provider()
    resource = getattr(application, "resource", None) or Resource.create()
    name = _state.service
    if name is None and str(resource.attributes.get("service.name", "")).startswith("unknown_service"):
        name = script_name()
    return resource.merge(Resource({"service.name": name})) if name else resource


def script_name() -> str:
    """What the process runs: `app.py` is "app", `python -m shop.worker` "worker", a package's __main__ the package."""
    path = PurePath((getattr(sys, "argv", None) or [""])[0])
    name = path.parent.name if path.stem == "__main__" else path.stem
    return name if name and name != "-c" else "python"


def _after_fork() -> None:
    """The child shares sockets and queue with its parent: it gets a provider of its own at its first call."""
    global _lock  # noqa: PLW0603 - the parent's may be held by a thread that does not exist here
    _lock = threading.Lock()
    _forks[0] += 1
    _state.ended = False
    if _state.endpoint:
        _state.destination = _state.sender = None


with contextlib.suppress(AttributeError):  # no fork on this platform
    os.register_at_fork(after_in_child=_after_fork)
