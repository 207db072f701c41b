"""llama-index-core >= 0.13: agents, workflows, engines, retrievers, tools as structure; the calls are the SDKs' below.

Its dispatcher tells of everything that begins and ends, and knows what is current in a context: it is asked.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from spanledger import _setup
from spanledger._guard import guarded
from spanledger._patch import Patch, unseen

from ._structure import Structure, argument, opened

if TYPE_CHECKING:
    from collections.abc import Callable

_DISPATCHER: Final = "llama_index_instrumentation.dispatcher"
_CHATS: Final = ("chat", "achat", "stream_chat", "astream_chat")
_MOST: Final = 10_000  # spans under way

_own: dict[str, Structure] = {}  # llama-index's span id -> its structure span
_inside: dict[str, Structure] = {}  # -> the one that calls belong under


def _current() -> _setup.Enclosing | None:
    module = sys.modules.get("llama_index_instrumentation.span")
    structure = _inside.get(module.active_span_id.get() or "") if module is not None else None
    return None if structure is None else structure.enclosing


_setup.finders.append(_current)


def _told(method: str, instance: Any) -> tuple[str, str] | None:
    """Operation and name of what is worth a span of its own; models are not: their calls are the SDKs'."""
    name = type(instance).__name__
    kind = name.lower()
    if method in ("retrieve", "aretrieve"):
        return "retrieval", name
    if method in ("call", "acall", "__call__") and "tool" in kind:
        return "execute_tool", getattr(getattr(instance, "metadata", None), "name", None) or name
    if method == "run":
        return "invoke_agent" if "agent" in kind else "invoke_workflow", getattr(instance, "name", None) or name
    if "engine" in kind and method in ("query", "aquery", *_CHATS):
        return "invoke_workflow", name
    return None


def _begin(args: Any, kwargs: Any) -> None:
    span_id = argument(args, kwargs, 0, "id_")
    instance = argument(args, kwargs, 2, "instance")
    around = _inside.get(argument(args, kwargs, 3, "parent_id") or "")
    told = _told(span_id.partition("-")[0].rpartition(".")[2], instance) if instance is not None else None
    structure = None if told is None else opened("llama-index", *told, parent=around)
    if structure is not None:
        _own[span_id] = structure
    if structure is not None or around is not None:
        _inside[span_id] = structure or around  # type: ignore[assignment]
        if len(_inside) > _MOST:
            _end(next(iter(_inside)), None)


def _end(span_id: str, error: BaseException | None) -> None:
    _inside.pop(span_id, None)
    structure = _own.pop(span_id, None)
    if structure is not None:
        structure.finish(error)


@unseen
def _entering(wrapped: Callable[..., Any], _instance: Any, args: Any, kwargs: Any) -> Any:
    guarded(_begin, args, kwargs)
    return wrapped(*args, **kwargs)


@unseen
def _leaving(wrapped: Callable[..., Any], _instance: Any, args: Any, kwargs: Any) -> Any:
    guarded(_end, argument(args, kwargs, 0, "id_"), None)
    return wrapped(*args, **kwargs)


@unseen
def _dropping(wrapped: Callable[..., Any], _instance: Any, args: Any, kwargs: Any) -> Any:
    guarded(_end, argument(args, kwargs, 0, "id_"), kwargs.get("err"))
    return wrapped(*args, **kwargs)


PATCHES: Final = (
    Patch(_DISPATCHER, "Dispatcher.span_enter", asynchronous=False, around=_entering),
    Patch(_DISPATCHER, "Dispatcher.span_exit", asynchronous=False, around=_leaving),
    Patch(_DISPATCHER, "Dispatcher.span_drop", asynchronous=False, around=_dropping),
)
