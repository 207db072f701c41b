"""Tags that the application puts on its calls: `with tag(feature="search"):`, `@tag(team="core")`, SPANLEDGER_TAGS."""

from __future__ import annotations

import functools
import inspect
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, Final, TypeVar

from . import semconv

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_F = TypeVar("_F", bound="Callable[..., Any]")
_LONGEST: Final = 256  # characters of a tag's value
_NAMED: Final = {
    "conversation": semconv.CONVERSATION_ID,
    "prompt_name": semconv.PROMPT_NAME,
    "prompt_version": semconv.PROMPT_VERSION,
}
_current: ContextVar[Mapping[str, str] | None] = ContextVar("spanledger_tags")  # attribute -> value; None: ignore
_everywhere: dict[str, str] = {}  # from SPANLEDGER_TAGS and init(tags=...)


class _Scoped:
    """A context manager and decorator that holds one value of the context variable."""

    def __init__(self) -> None:
        self._tokens: list[Token[Mapping[str, str] | None]] = []

    def _value(self) -> Mapping[str, str] | None:
        raise NotImplementedError

    def _again(self) -> _Scoped:
        raise NotImplementedError

    def __enter__(self) -> None:
        self._tokens.append(_current.set(self._value()))

    def __exit__(self, *_: object) -> None:
        _current.reset(self._tokens.pop())

    def __call__(self, function: _F) -> _F:
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            name = getattr(function, "__qualname__", function)
            raise TypeError(
                f"{name} is a generator function: its tags would leak to the caller between items. "
                "Use `with spanledger.tag(...)` around the calls inside it."
            )
        decorate = self._async_wrapper if inspect.iscoroutinefunction(function) else self._wrapper
        return decorate(function)  # type: ignore[return-value]

    def _wrapper(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def scoped(*args: Any, **kwargs: Any) -> Any:
            with self._again():  # one per call: a decorated function may run in many threads at once
                return function(*args, **kwargs)

        return scoped

    def _async_wrapper(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def scoped(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return await function(*args, **kwargs)

        return scoped


class tag(_Scoped):  # noqa: N801 - used like a function
    """Put tags on every call made inside. Inner tags win; `feature`, `team` and `user` have columns of their own.

    `conversation`, `prompt_name` and `prompt_version` go to the attributes that the conventions have for them.
    """

    def __init__(self, **tags: str | float) -> None:
        super().__init__()
        self._attributes = as_attributes(tags)

    def _value(self) -> Mapping[str, str]:
        return {**(_current.get(None) or {}), **self._attributes}

    def _again(self) -> tag:
        again = tag()
        again._attributes = self._attributes
        return again


class ignore(_Scoped):  # noqa: N801 - used like a function
    """Record no call made inside."""

    def _value(self) -> None:
        return None

    def _again(self) -> ignore:
        return ignore()


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
    if tags is None or tags is _everywhere or not _everywhere:
        return tags
    return {**_everywhere, **tags}
