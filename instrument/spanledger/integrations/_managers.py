"""Methods made by `@contextmanager`, whose reply is streamed: the request goes out when the manager is entered.

The manager stays contextlib's own object; only the generator inside it is replaced, by one that passes all of it on.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from spanledger._guard import guarded
from spanledger._patch import Patch, _failed, _Recorded, unseen
from spanledger._streams import Watched, relayed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from spanledger._call import Call

    from ._shape import Integration, Target


def managing(integration: Integration, target: Target, place: str) -> Patch:
    """The patch for `target`. `place` is where what the manager yields keeps the generator of its pieces."""
    recorded = _Recorded(integration, target)

    @unseen
    def around(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
        manager = wrapped(*args, **kwargs)
        call = guarded(recorded._prepare, instance, args, kwargs)  # noqa: SLF001
        if call is not None:
            relay = _relay_async if hasattr(manager.gen, "__anext__") else _relay
            manager.gen = relay(manager.gen, call, place)
        return manager

    return Patch(target.module, target.path, asynchronous=False, around=around, required=target.required)


def _relay(inner: Any, call: Call, place: str) -> Iterator[Any]:
    guarded(call.start)
    try:
        reply = next(inner)
    except BaseException as error:
        guarded(_failed, call, error)
        raise
    finally:
        guarded(call.leave)
    watched = guarded(_watched, call, reply, place)
    try:
        yield reply
    except GeneratorExit:
        inner.close()
        raise
    except BaseException as error:
        _left(call, watched, error)
        inner.throw(error)
        raise
    _left(call, watched)
    with suppress(StopIteration):
        next(inner)


async def _relay_async(inner: Any, call: Call, place: str) -> AsyncIterator[Any]:
    guarded(call.start)
    try:
        reply = await anext(inner)
    except BaseException as error:
        guarded(_failed, call, error)
        raise
    finally:
        guarded(call.leave)
    watched = guarded(_watched, call, reply, place)
    try:
        yield reply
    except GeneratorExit:
        await inner.aclose()
        raise
    except BaseException as error:
        _left(call, watched, error)
        await inner.athrow(error)
        raise
    _left(call, watched)
    with suppress(StopAsyncIteration):
        await anext(inner)


def _watched(call: Call, reply: Any, place: str) -> Watched:
    watched = Watched(getattr(reply, place), call, call.integration.reader(call.target.api))
    setattr(reply, place, relayed(watched))
    return watched


def _left(call: Call, watched: Watched | None, error: BaseException | None = None) -> None:
    """The application leaves the block: whatever of the stream it has not read by now, it never will."""
    if watched is None:
        guarded(call.finish, "ok")
    elif error is None or isinstance(error, Exception):
        guarded(watched.ending.left)
    else:
        guarded(watched.ending.failed, error)
