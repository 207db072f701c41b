"""Tags that the application puts on its calls: `with tag(feature="search"):`, `@tag(team="core")`, SPANLEDGER_TAGS."""

from __future__ import annotations

import functools
import inspect
from abc import ABC, abstractmethod
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, TypeVar

from . import _setup, semconv
from ._guard import guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_F = TypeVar("_F", bound="Callable[..., Any]")
_LONGEST: Final = 256  # characters of a tag's value
_MOST: Final = 20  # tags taken from baggage, which others fill
_NAMED: Final = {
    "conversation": semconv.CONVERSATION_ID,
    "prompt_name": semconv.PROMPT_NAME,
    "prompt_version": semconv.PROMPT_VERSION,
}
_current: ContextVar[Mapping[str, str] | None] = ContextVar("spanledger_tags")  # attribute -> value; None: ignore
_inside: ContextVar[Any] = ContextVar("spanledger_inside", default=None)  # scope, its tokens, the scope around it
NOTHING: Final[Mapping[str, str]] = {}
_following: list[bool] = []
_everywhere: dict[str, str] = {}  # from SPANLEDGER_TAGS and init(tags=...)


class _Scoped(ABC):
    """A context manager and decorator that holds one value of the context variable."""

    @abstractmethod
    def _value(self) -> Mapping[str, str] | None: ...

    def __enter__(self) -> None:
        if not _following:
            _following.append(True)
            guarded(_follow)
        value = self._value()
        attached = _carry(value) if value and "out" in _setup.options.baggage else None
        _inside.set((self, _current.set(value), attached, _inside.get()))

    def __exit__(self, *_: object) -> None:
        """Where a generator goes on in another context than it began in, nothing was set that is to be undone."""
        entered = _inside.get()
        if entered is None or entered[0] is not self:
            return
        _, token, attached, outer = entered
        _inside.set(outer)
        with suppress(ValueError):
            _current.reset(token)
        if attached is not None:
            with suppress(ValueError):
                attached.var.reset(attached)

    def __call__(self, function: _F) -> _F:
        if inspect.isasyncgenfunction(function):
            decorate = self._async_generator
        elif inspect.isgeneratorfunction(function):
            decorate = self._generator
        else:
            decorate = self._async_wrapper if inspect.iscoroutinefunction(function) else self._wrapper
        return decorate(function)  # type: ignore[return-value]

    def _wrapper(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def scoped(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return scoped

    def _async_wrapper(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def scoped(*args: Any, **kwargs: Any) -> Any:
            with self:
                return await function(*args, **kwargs)

        return scoped

    def _generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Between its items a generator's tags are not its caller's."""

        @functools.wraps(function)
        def scoped(*args: Any, **kwargs: Any) -> Any:
            step = _Steps(function(*args, **kwargs))
            while True:
                try:
                    with self:
                        item = step.run()
                except StopIteration as end:
                    return end.value
                try:
                    step.sent((yield item))
                except GeneratorExit:
                    with self:
                        step.pieces.close()
                    raise
                except BaseException as error:  # noqa: BLE001 - thrown in by the caller: the generator is to have it
                    step.thrown(error)

        return scoped

    def _async_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def scoped(*args: Any, **kwargs: Any) -> Any:
            step = _Steps(function(*args, **kwargs), "asend", "athrow")
            while True:
                try:
                    with self:
                        item = await step.run()
                except StopAsyncIteration:
                    return
                try:
                    step.sent((yield item))
                except GeneratorExit:
                    with self:
                        await step.pieces.aclose()
                    raise
                except BaseException as error:  # noqa: BLE001 - thrown in by the caller: the generator is to have it
                    step.thrown(error)

        return scoped


class _Steps:
    """A generator driven from outside: `run` takes the step that its caller asked for."""

    def __init__(self, pieces: Any, send: str = "send", throw: str = "throw") -> None:
        self.pieces = pieces
        self._send, self._throw = getattr(pieces, send), getattr(pieces, throw)
        self.run: Callable[[], Any] = functools.partial(self._send, None)

    def sent(self, value: Any) -> None:
        self.run = functools.partial(self._send, value)

    def thrown(self, error: BaseException) -> None:
        self.run = functools.partial(self._throw, error)


class tag(_Scoped):  # noqa: N801 - used like a function
    """Put tags on every call made inside. Inner tags win; `feature`, `team` and `user` have columns of their own.

    `conversation`, `prompt_name` and `prompt_version` go to the attributes that the conventions have for them.
    """

    def __init__(self, **tags: str | float) -> None:
        self._attributes = as_attributes(tags)

    def _value(self) -> Mapping[str, str]:
        return {**(_current.get(None) or {}), **self._attributes}


class ignore(_Scoped):  # noqa: N801 - used like a function
    """Record no call made inside."""

    def _value(self) -> None:
        return None


class scope(_Scoped):  # noqa: N801 - used like a function
    """Hold tags that were in force elsewhere."""

    def __init__(self, value: Mapping[str, str] | None) -> None:
        self._held = value

    def _value(self) -> Mapping[str, str] | None:
        return self._held


def here() -> Mapping[str, str] | None:
    """The tags in force here, None for `ignore`, NOTHING when there are none."""
    return _current.get(NOTHING)


def _follow() -> None:
    from ._threads import follow

    follow()


def as_attributes(tags: Mapping[str, str | float]) -> dict[str, str]:
    """Span attributes by name, values as short strings."""
    return {
        _NAMED.get(key) or semconv.TAG_PREFIX + key: str(value)[:_LONGEST]
        for key, value in tags.items()
        if value is not None
    }


def set_everywhere(tags: Mapping[str, str]) -> None:
    """Tags of the whole process, in place of earlier ones."""
    _everywhere.clear()
    _everywhere.update(as_attributes(tags))


def current() -> Mapping[str, str] | None:
    """The attributes for a call made now, or None when it is to be ignored."""
    tags = _current.get(_everywhere)
    if "in" in _setup.options.baggage and tags is not None:
        return {**_everywhere, **_carried(), **({} if tags is _everywhere else tags)}
    if tags is None or tags is _everywhere or not _everywhere:
        return tags
    return {**_everywhere, **tags}


def _carry(tags: Mapping[str, str]) -> Any:
    """Put tags into W3C baggage, which the application's propagators send with its requests to other services."""
    from opentelemetry import baggage, context

    here = context.get_current()
    for key, value in tags.items():
        here = baggage.set_baggage(key, value, here)
    return context.attach(here)


def _carried() -> dict[str, str]:
    """Tags that a calling service put into the baggage, as the application's propagators took it in."""
    from opentelemetry import baggage

    named = (*_NAMED.values(),)
    found = [
        (key, str(value)[:_LONGEST])
        for key, value in baggage.get_all().items()
        if key.startswith(semconv.TAG_PREFIX) or key in named
    ]
    return dict(found[:_MOST])
