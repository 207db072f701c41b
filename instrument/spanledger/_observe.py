"""What a request passes on its way through an SDK: the wait before a retry, the answer. Watched, never replaced."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from ._guard import guarded
from ._patch import Patch
from ._setup import current

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._call import Call
    from .integrations._shape import Integration, Watch


_OPENS_NATIVE: Final = ("anthropic._base_client", "start_api_call_span")


def observations(integration: Integration) -> list[Patch]:
    """The patches that let a call of `integration` see its attempts."""
    patches = [
        Patch(watch.module, watch.path, watch.asynchronous, _around(watch), watch.required)
        for watch in integration.watches
    ]
    if integration.package == _OPENS_NATIVE[0].partition(".")[0]:
        patches.append(Patch(*_OPENS_NATIVE, asynchronous=False, around=_native, required=False))
    return patches


def _native(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
    from ._native import opened

    return opened(wrapped, instance, args, kwargs)


def _around(watch: Watch) -> Callable[..., Any]:
    place, name = watch.argument
    if watch.means == "wait":
        return _waiting_async if watch.asynchronous else _waiting
    if watch.means == "attempt":
        return _attempted_async if watch.asynchronous else _attempted
    return _passing(_PASSES[watch.means], place, name)


def _waiting(wrapped: Callable[..., Any], _instance: Any, args: Any, kwargs: Any) -> Any:
    call = current.get()
    if call is None:
        return wrapped(*args, **kwargs)
    guarded(_fails, call, kwargs.get("response"))
    try:
        return wrapped(*args, **kwargs)
    finally:
        guarded(call.attempts.slept)


def _waiting_async(wrapped: Callable[..., Any], _instance: Any, args: Any, kwargs: Any) -> Any:
    call = current.get()
    return wrapped(*args, **kwargs) if call is None else _wait(call, wrapped, args, kwargs)


async def _wait(call: Call, wrapped: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    guarded(_fails, call, kwargs.get("response"))
    try:
        return await wrapped(*args, **kwargs)
    finally:
        guarded(call.attempts.slept)


def _attempted(wrapped: Callable[..., Any], _instance: Any, args: Any, kwargs: Any) -> Any:
    call = current.get()
    if call is None:
        return wrapped(*args, **kwargs)
    guarded(_sends, call, None)
    try:
        response = wrapped(*args, **kwargs)
    except BaseException as error:
        guarded(_fails, call, error)
        raise
    guarded(_ends, call, response)
    return response


def _attempted_async(wrapped: Callable[..., Any], _instance: Any, args: Any, kwargs: Any) -> Any:
    call = current.get()
    return wrapped(*args, **kwargs) if call is None else _attempt(call, wrapped, args, kwargs)


async def _attempt(call: Call, wrapped: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    guarded(_sends, call, None)
    try:
        response = await wrapped(*args, **kwargs)
    except BaseException as error:
        guarded(_fails, call, error)
        raise
    guarded(_ends, call, response)
    return response


def _passing(work: Callable[[Call, Any], None], place: int, name: str) -> Callable[..., Any]:
    def passing(wrapped: Callable[..., Any], _instance: Any, args: Any, kwargs: Any) -> Any:
        call = current.get()
        if call is not None:
            guarded(work, call, kwargs[name] if name in kwargs else args[place] if args[place:] else None)
        return wrapped(*args, **kwargs)

    return passing


def _fails(call: Call, told: Any) -> None:
    """`told` is the response, or the error that holds it, if anything."""
    error = told if isinstance(told, BaseException) else sys.exc_info()[1]
    response = call.integration.response_of(told) if isinstance(told, BaseException) else told
    call.attempts.failed(response, error)


def _ends(call: Call, response: Any) -> None:
    from ._headers import status_of

    call.answered(response)
    if status_of(response) >= 400:  # noqa: PLR2004 - told by a response here, by an error elsewhere
        call.attempts.failed(response, None)


def _sends(call: Call, _: Any) -> None:
    call.attempts.sent()


def _answers(call: Call, response: Any) -> None:
    if response is not None:
        call.answered(response)


_PASSES = {"fails": _fails, "sends": _sends, "answers": _answers}
