"""Tags go along into the threads that the application starts inside: its own, and what it gives to a thread pool.

Placed with the first tag. Threads that serve whoever comes (a pool's workers) do not keep the tags of who came first.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from . import _callsite, _tags
from ._guard import guarded
from ._patch import Patch
from ._registry import REGISTRY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def follow() -> None:
    REGISTRY.add(
        [
            Patch("threading", "Thread.start", False, _starting),  # noqa: FBT003
            Patch("concurrent.futures.thread", "ThreadPoolExecutor.submit", False, _submitting),  # noqa: FBT003
        ]
    )


def _starting(wrapped: Callable[..., Any], thread: Any, args: Any, kwargs: Any) -> Any:
    guarded(_hand_to, thread)
    return wrapped(*args, **kwargs)


def _hand_to(thread: Any) -> None:
    tags, target = _tags.here(), thread._target  # noqa: SLF001
    code = getattr(target, "__code__", None)
    if tags is not _tags.NOTHING and code is not None and _callsite.is_users(code.co_filename):
        thread._target = partial(_tagged, tags, target)  # noqa: SLF001


def _submitting(wrapped: Callable[..., Any], _pool: Any, args: Any, kwargs: Any) -> Any:
    return wrapped(*(guarded(_along, args) or args), **kwargs)


def _along(args: tuple[Any, ...]) -> tuple[Any, ...]:
    tags = _tags.here()
    return args if tags is _tags.NOTHING or not args else (partial(_tagged, tags, args[0]), *args[1:])


def _tagged(tags: Mapping[str, str] | None, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    with _tags.scope(tags):
        return work(*args, **kwargs)
