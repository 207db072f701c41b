"""Patching from a table, and exact un-patching. What is not as the table says is left alone, with one warning."""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

import wrapt

from . import _callsite, _setup, _tags
from ._guard import guarded, warn_once
from ._setup import current

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from ._call import Call
    from .integrations._shape import Integration, Target

_WAITING: Final = "_spanledger_request"
_F = TypeVar("_F", bound="Callable[..., Any]")


def unseen(function: _F) -> _F:
    """Keep `function` out of the count when a warning looks for its caller.

    The SDKs warn of deprecated models with a stack level that means the user's line; one more frame would turn that
    into a line of ours, and Python's default filter shows such a warning only for the user's `__main__`. The frames it
    skips are those whose file name has both words below (Python/_warnings.c, is_internal_filename).
    """
    code = function.__code__
    function.__code__ = code.replace(co_filename=f"{__file__}:importlib._bootstrap")
    return function


@dataclass(slots=True)
class Patch:
    """One patched attribute. `found` says in words what came of it, for `spanledger doctor`."""

    module: str
    path: str
    asynchronous: bool | None  # None: either will do
    around: Callable[..., Any]  # (wrapped, instance, args, kwargs)
    required: bool = True
    active: bool = False
    found: str = "not imported yet"
    _owner: Any = field(default=None, repr=False)
    _original: Any = field(default=None, repr=False)
    _placed: Any = field(default=None, repr=False)

    def apply(self, module: Any) -> None:
        """Place the wrapper, or tell why not. Never raises: it runs inside the user's import."""
        if self.active:
            return
        owner, name = _owner_of(module, self.path)
        original = vars(owner).get(name) if owner is not None else None
        if isinstance(original, wrapt.BoundFunctionWrapper):
            self.found = "goes through a patched method"
            return
        unfit = self._unfit(original)
        if unfit:
            self.found = unfit
            if self.required or original is not None:
                warn_once(
                    f"unfit {self.module}:{self.path}",
                    "spanledger: %s:%s %s; its calls are not recorded. `spanledger doctor` tells which fit",
                    self.module, self.path, unfit,
                )  # fmt: skip
            return
        assert original is not None
        self._owner, self._original = owner, original
        self._placed = self._placed_on(original)
        setattr(owner, name, self._placed)
        self.active, self.found = True, "patched"

    def remove(self) -> None:
        """Put the original back; a wrapper that someone wrapped again stays in place and does nothing."""
        if not self.active:
            return
        self.active, self.found = False, "not patched"
        name = self.path.rpartition(".")[2]
        if vars(self._owner).get(name) is self._placed:
            setattr(self._owner, name, self._original)

    def _placed_on(self, original: Any) -> Any:
        return wrapt.FunctionWrapper(original, self._wrapper())

    def _wrapper(self) -> Callable[..., Any]:
        around = self.around

        @unseen
        def wrapper(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            if not self.active:
                return wrapped(*args, **kwargs)
            return around(wrapped, instance, args, kwargs)

        return wrapper

    def _unfit(self, original: Any) -> str:
        if original is None:
            return "is not in this version"
        plain = inspect.isfunction(inspect.unwrap(original)) or inspect.ismethod(original)
        if not plain and not isinstance(original, wrapt.FunctionWrapper):
            return f"is a {type(original).__name__}, not a function"
        is_async = inspect.iscoroutinefunction(inspect.unwrap(original))
        if self.asynchronous is not None and is_async is not self.asynchronous:
            return "is async" if is_async else "is not async"
        return ""


def _owner_of(module: Any, path: str) -> tuple[Any, str]:
    *classes, name = path.split(".")
    for cls in classes:
        module = getattr(module, cls, None)
    return module, name


def target_patch(integration: Integration, target: Target) -> Patch:
    """The patch for one row of an integration's table."""
    recorded = _Recorded(integration, target)
    around: Callable[..., Any] = recorded.around_async if target.asynchronous else recorded.around
    if target.kind == "manager":
        around = recorded.around_manager
    elif target.kind == "lazy":
        around = recorded.around_lazy
    elif target.kind == "results":
        around = recorded.around_results
    return Patch(target.module, target.path, target.asynchronous, around, target.required)


class _Recorded:
    """What stands around one SDK method."""

    __slots__ = ("_integration", "_target")

    def __init__(self, integration: Integration, target: Target) -> None:
        self._integration = integration
        self._target = target

    @unseen
    def around(self, wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
        call = guarded(self._prepare, instance, args, kwargs)
        if call is None or not guarded(call.start):
            return wrapped(*args, **kwargs)
        if call.injected is not None:
            kwargs = call.injected
        try:
            reply = wrapped(*args, **kwargs)
        except BaseException as error:
            guarded(_failed, call, error)
            raise
        finally:
            guarded(call.leave)
        return _handed_on(call, reply)

    @unseen
    def around_async(self, wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
        """The SDK's coroutine is made at once, so that wrong arguments raise where they did."""
        call = guarded(self._prepare, instance, args, kwargs)
        if call is not None and call.injected is not None:
            kwargs = call.injected
        awaitable = wrapped(*args, **kwargs)
        return awaitable if call is None else _awaited(call, awaitable)

    @unseen
    def around_lazy(self, wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
        """What streams sends nothing yet: the call begins when its first piece is asked for."""
        if not self._target.streams and not kwargs.get("stream"):
            around = self.around_async if self._target.asynchronous else self.around
            return around(wrapped, instance, args, kwargs)
        call = guarded(self._prepare, instance, args, kwargs)
        reply = wrapped(*args, **kwargs)
        if call is None:
            return reply
        return _awaited_unsent(call, reply) if self._target.asynchronous else _unsent(call, reply)

    @unseen
    def around_manager(self, wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
        """`stream()` sends nothing yet: what it was given waits on the manager until that is entered."""
        manager = wrapped(*args, **kwargs)
        guarded(setattr, manager, _WAITING, (instance, kwargs))
        return manager

    @unseen
    def around_results(self, wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
        """No call of its own: what it hands out may tell of others."""
        from ._results import around

        frame = sys._getframe(1)  # noqa: SLF001
        return around(self._integration, self._target, frame, wrapped, instance, args, kwargs)

    def _prepare(self, instance: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Call | None:
        """A call not begun yet: who calls and with which tags. None when it is not to be recorded."""
        from ._call import Call
        from ._client import is_raw

        tags = _tags.current()
        resource, given = instance, kwargs
        if self._target.kind == "enters":
            resource, given = vars(instance).pop(_WAITING, (None, kwargs))
            if resource is None:  # a manager made before we were here, or entered again
                return None
        target = self._target
        if tags is None or _setup.ended() or (target.inner and current.get() is not None):
            return None
        if args:
            given = {**dict(zip(target.positional, args, strict=False)), **given}
        if target.only is not None and not target.only(given):
            return None
        site = _callsite.find(sys._getframe(1))  # noqa: SLF001
        client = self._integration.client_of(resource)
        call = Call(self._integration, target, client, given, {**tags, **site})
        if _setup.options.stream_usage and not is_raw(given):
            call.injected = guarded(self._integration.ask_usage, target.api, kwargs)
        return call


@unseen
async def _awaited(call: Call, awaitable: Awaitable[Any]) -> Any:
    if not guarded(call.start):
        return await awaitable
    try:
        reply = await awaitable
    except BaseException as error:
        guarded(_failed, call, error)
        raise
    finally:
        guarded(call.leave)
    return _handed_on(call, reply)


async def _awaited_unsent(call: Call, awaitable: Awaitable[Any]) -> Any:
    return _unsent(call, await awaitable)


def _unsent(call: Call, reply: Any) -> Any:
    from ._streams import watch

    return guarded(watch, call, reply) or reply


def _handed_on(call: Call, reply: Any) -> Any:
    """What the caller gets: the reply itself, or the generator that stands for it."""
    handed = guarded(_replied, call, reply)
    if handed is None:
        guarded(call.finish, "ok")  # we could not read it: the call is in the ledger all the same
        return reply
    return handed


def _failed(call: Call, error: BaseException) -> None:
    """The call raised. A paid reply may have come all the same: then its usage is read from the HTTP reply."""
    from ._call import validated

    told = guarded(validated, call, error) or {}
    response = call.response
    if response is not None and getattr(response, "is_success", False) and response.is_closed:
        from ._bodies import read_body

        told |= guarded(read_body, call.integration, call.target.api, response) or {}
    call.finish("error" if isinstance(error, Exception) else "cancelled", told, error)


def _heard(call: Call, reply: Any) -> None:
    from ._call import said

    said(call, call.integration.texts(call.target.api, reply))


def _replied(call: Call, reply: Any) -> Any:
    from ._call import validated
    from ._streams import watch

    if not call.open:
        return reply
    if call.target.kind == "enters":
        watch(call, reply._raw_stream)  # noqa: SLF001
    elif call.raw:
        from ._bodies import look

        look(call, reply.http_response)
    elif call.request.stream:
        return watch(call, reply)
    else:
        told = guarded(call.integration.read_reply, call.target.api, reply) or {}
        guarded(_heard, call, reply)
        call.finish("ok", told | validated(call, None, reply))
    return reply
