"""Two points that every request of an SDK passes: the wait before a retry, and the answer. Watched, never replaced."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from . import _native
from ._call import current
from ._guard import guarded
from ._patch import Patch

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._call import Call
    from .integrations._shape import Integration


def observations(integration: Integration) -> list[Patch]:
    """The patches that let a call of `integration` see its attempts."""
    module = f"{integration.package}._base_client"
    patches = [
        Patch(module, "SyncAPIClient._sleep_for_retry", asynchronous=False, around=_waiting),
        Patch(module, "AsyncAPIClient._sleep_for_retry", asynchronous=True, around=_waiting_async),
        Patch(module, "SyncAPIClient._process_response", asynchronous=False, around=_answered),
        Patch(module, "AsyncAPIClient._process_response", asynchronous=True, around=_answered),
    ]
    if integration.package == _native.OPENED_BY[0].partition(".")[0]:
        patches.append(Patch(*_native.OPENED_BY, asynchronous=False, around=_native.opened, required=False))
    return patches


def _waiting(wrapped: Callable[..., Any], _instance: Any, args: Any, kwargs: Any) -> Any:
    call = current.get()
    if call is None:
        return wrapped(*args, **kwargs)
    guarded(_failed, call, kwargs)
    try:
        return wrapped(*args, **kwargs)
    finally:
        guarded(call.attempts.slept)


def _waiting_async(wrapped: Callable[..., Any], _instance: Any, args: Any, kwargs: Any) -> Any:
    call = current.get()
    return wrapped(*args, **kwargs) if call is None else _wait(call, wrapped, args, kwargs)


async def _wait(call: Call, wrapped: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    guarded(_failed, call, kwargs)
    try:
        return await wrapped(*args, **kwargs)
    finally:
        guarded(call.attempts.slept)


def _failed(call: Call, kwargs: dict[str, Any]) -> None:
    call.attempts.failed(kwargs.get("response"), sys.exc_info()[1])


def _answered(wrapped: Callable[..., Any], _instance: Any, args: Any, kwargs: Any) -> Any:
    call = current.get()
    if call is not None:
        guarded(call.answered, kwargs.get("response"))
    return wrapped(*args, **kwargs)
