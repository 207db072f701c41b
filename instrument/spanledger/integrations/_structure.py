"""What frameworks do around the calls that others bill: INTERNAL spans that the calls inside belong under.

Names, counts and kinds of errors only: never a prompt, an argument or a result.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import context, trace
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

from spanledger import _setup, _tags, semconv
from spanledger._call import _reset
from spanledger._guard import guarded
from spanledger._patch import Patch, unseen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Mapping

    from opentelemetry.context import Context

_ERROR: Final = Status(StatusCode.ERROR)  # without a description: error texts quote prompts
_LONGEST: Final = 128  # characters of a name
_MOST_TRIES: Final = 50
_order = count()


class Structure:
    """One INTERNAL span of a framework's, from its making to `finish`. `attributes` may be added to until then."""

    __slots__ = ("_apart", "_attached", "_entered", "_pending", "attributes", "enclosing")

    def __init__(
        self, name: str, attributes: Mapping[str, Any], parent: Structure | None = None, **options: Any
    ) -> None:
        """`parent`: the framework's own idea of it, before what is current. `options` are of `start_span`."""
        destination = _setup.destination()
        around = trace.get_current_span().get_span_context()
        span = destination.tracer.start_span(
            name[:_LONGEST],
            context=_setup.parent(destination) if parent is None else parent.inside(),
            attributes=dict(attributes),
            **{"kind": SpanKind.INTERNAL, **options},
        )
        self.enclosing = _setup.Enclosing(span, around, next(_order))
        self.attributes: dict[str, Any] = {}
        self._apart = not _setup.in_applications_traces(destination)
        self._pending = [_setup.forks()]
        self._attached: Any = None
        self._entered: Any = None

    def inside(self) -> Context:
        return set_span_in_context(self.enclosing.span)

    def enter(self) -> None:
        """Be current until `leave`; in the application's own context only where it shares our provider."""
        self._entered = _setup.enclosing.set(self.enclosing)
        if not self._apart:
            self._attached = context.attach(set_span_in_context(self.enclosing.span))

    def leave(self) -> None:
        for token in (self._attached, self._entered):
            if token is not None:
                _reset(token)
        self._attached = self._entered = None

    def finish(self, error: BaseException | None = None) -> None:
        """End the span, once; in a forked child never: it is the parent's."""
        try:
            forks = self._pending.pop()
        except IndexError:
            return
        if forks != _setup.forks():
            return
        span = self.enclosing.span
        if error is not None:
            self.attributes[semconv.ERROR_TYPE] = type(error).__name__
        span.set_attributes(self.attributes)
        if semconv.ERROR_TYPE in self.attributes:
            span.set_status(_ERROR)
        span.end()


class Tries(Structure):
    """A structure span that tells each try made inside it: what was asked, and how it ended."""

    __slots__ = ("_tries",)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._tries: list[tuple[str, str, str]] = []  # model or deployment, outcome, error

    def tried(self, asked: Any, error: BaseException | None = None, outcome: str = "") -> None:
        if len(self._tries) < _MOST_TRIES:
            name = "" if error is None else type(error).__name__
            self._tries.append((asked if isinstance(asked, str) else "", outcome or ("error" if name else "ok"), name))

    def finish(self, error: BaseException | None = None) -> None:
        if self._tries:
            asked, outcomes, errors = zip(*self._tries, strict=True)
            self.attributes |= {
                semconv.TRIES: len(self._tries),
                semconv.TRY_MODELS: asked,
                semconv.TRY_OUTCOMES: outcomes,
                semconv.TRY_ERRORS: errors,
            }
        super().finish(error)


def opened(
    framework: str,
    operation: str,
    name: str | None,
    attributes: Mapping[str, Any] | None = None,
    *,
    parent: Structure | None = None,
    made: type[Structure] | None = None,
) -> Structure | None:
    """A structure span of `operation` (invoke_agent, execute_tool, ...); None where calls are to be ignored."""
    tags = _tags.current()
    if tags is None:
        return None
    told = {**tags, semconv.OPERATION_NAME: operation, semconv.FRAMEWORK: framework, **(attributes or {})}
    named = _NAMED.get(operation)
    if named and name:
        told[named] = name[:_LONGEST]
    return (made or Structure)(f"{operation} {name or ''}".rstrip(), told, parent)


_NAMED: Final = {
    "invoke_agent": semconv.AGENT_NAME,
    "execute_tool": semconv.TOOL_NAME,
    "invoke_workflow": semconv.WORKFLOW_NAME,
}
Opens = Callable[[Any, tuple[Any, ...], dict[str, Any]], "Structure | None"]  # (instance, args, kwargs)
Concludes = Callable[[Structure, Any], None]  # what the result adds


def around(opens: Opens, concludes: Concludes | None = None) -> Callable[..., Any]:
    """What stands around a framework's function: the structure span from its start to its return."""

    @unseen
    def wrapper(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
        structure = guarded(opens, instance, args, kwargs)
        if structure is None:
            return wrapped(*args, **kwargs)
        guarded(structure.enter)
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            guarded(structure.finish, error)
            raise
        finally:
            guarded(structure.leave)
        guarded(_conclude, structure, result, concludes)
        return result

    return wrapper


def around_async(opens: Opens, concludes: Concludes | None = None) -> Callable[..., Any]:
    """The same around a coroutine function. The coroutine is made at once, so wrong arguments raise where they did."""

    @unseen
    def wrapper(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
        return _spanned(wrapped(*args, **kwargs), lambda: opens(instance, args, kwargs), concludes)

    return wrapper


@unseen
async def _spanned(
    awaitable: Awaitable[Any], opens: Callable[[], Structure | None], concludes: Concludes | None
) -> Any:
    structure = guarded(opens)
    if structure is None:
        return await awaitable
    guarded(structure.enter)
    try:
        result = await awaitable
    except BaseException as error:
        guarded(structure.finish, error)
        raise
    finally:
        guarded(structure.leave)
    guarded(_conclude, structure, result, concludes)
    return result


def around_manager(opens: Opens, concludes: Concludes | None = None) -> Callable[..., Any]:
    """The same around a function that returns an async context manager: from its entering to its leaving."""

    @unseen
    def wrapper(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
        manager = wrapped(*args, **kwargs)
        return guarded(_managed, manager, lambda: opens(instance, args, kwargs), concludes) or manager

    return wrapper


@asynccontextmanager
async def _managed(
    manager: Any, opens: Callable[[], Structure | None], concludes: Concludes | None
) -> AsyncIterator[Any]:
    structure = guarded(opens)
    if structure is None:
        async with manager as entered:
            yield entered
        return
    guarded(structure.enter)
    try:
        async with manager as entered:
            yield entered
    except BaseException as error:
        guarded(structure.finish, error)
        raise
    finally:
        guarded(structure.leave)
    guarded(_conclude, structure, entered, concludes)


def _conclude(structure: Structure, result: Any, concludes: Concludes | None) -> None:
    if concludes is not None:
        guarded(concludes, structure, result)
    structure.finish()


def spanning(
    module: str,
    path: str,
    opens: Opens,
    concludes: Concludes | None = None,
    *,
    asynchronous: bool,
    required: bool = True,
) -> Patch:
    """The patch that puts a structure span around `module:path`."""
    place = around_async if asynchronous else around
    return Patch(module, path, asynchronous, place(opens, concludes), required)


_SAVED: Final = (
    ("prompt_tokens", "input_tokens"),
    ("input_tokens", "input_tokens"),
    ("completion_tokens", "output_tokens"),
    ("output_tokens", "output_tokens"),
)


def saved(reply: Any) -> dict[str, int]:
    """The tokens that a reply out of a cache spared."""
    usage = getattr(reply, "usage", None)
    return {
        semconv.CACHE_SAVED_PREFIX + kind: tokens
        for name, kind in _SAVED
        if (tokens := getattr(usage, name, None)).__class__ is int
    }


def argument(args: tuple[Any, ...], kwargs: Mapping[str, Any], place: int, name: str) -> Any:
    return kwargs[name] if name in kwargs else args[place] if len(args) > place else None
