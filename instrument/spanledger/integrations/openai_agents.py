"""openai-agents >= 0.20: workflows, agents, tools, handoffs and guardrails as structure; the calls are the SDK's below.

The SDK marks them with spans of its own, which it makes even where its tracing is disabled. Theirs go where they went.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from spanledger import _setup, semconv
from spanledger._guard import guarded
from spanledger._patch import Patch, unseen

from ._structure import Structure, opened

if TYPE_CHECKING:
    from collections.abc import Callable

_SPANS: Final = "agents.tracing.spans"
_TRACES: Final = "agents.tracing.traces"
_KINDS: Final = {  # type of their span -> operation, the field with the name
    "agent": ("invoke_agent", "name"),
    "function": ("execute_tool", "name"),
    "handoff": ("handoff", ""),  # the agent is known at its end
    "guardrail": ("guardrail", "name"),
}
_OTHER: Final = "_OTHER"  # OpenTelemetry's word for an error whose class is not told


class _Marked(Structure):
    """Held by their span: one that is never finished, ends with that."""

    __slots__ = ()

    def __del__(self) -> None:
        guarded(self.finish)


_own: WeakKeyDictionary[Any, Structure] = WeakKeyDictionary()  # their span or trace -> its structure span
_inside: WeakKeyDictionary[Any, Structure] = WeakKeyDictionary()  # -> the structure span that calls belong under


def _around() -> Structure | None:
    scope = getattr(sys.modules.get("agents.tracing.scope"), "Scope", None)
    if scope is None:
        return None
    span, trace = scope.get_current_span(), scope.get_current_trace()
    found = None if span is None else _inside.get(span)
    return found if found is not None or trace is None else _inside.get(trace)


def _current() -> _setup.Enclosing | None:
    structure = _around()
    return None if structure is None else structure.enclosing


_setup.finders.append(_current)


def _begin(theirs: Any) -> None:
    if theirs in _inside:
        return  # started again
    around = _around()
    structure = _opened(theirs, around)
    if structure is not None:
        _own[theirs] = structure
    if structure is not None or around is not None:
        _inside[theirs] = structure or around  # type: ignore[assignment]


def _opened(theirs: Any, around: Structure | None) -> Structure | None:
    data = getattr(theirs, "span_data", None)
    if data is None:
        told = {semconv.CONVERSATION_ID: theirs.group_id} if isinstance(theirs.group_id, str) else {}
        return opened("openai-agents", "invoke_workflow", theirs.name, told, parent=around, made=_Marked)
    operation, name = _KINDS.get(data.type, ("", ""))
    if not operation:
        return None
    return opened("openai-agents", operation, getattr(data, name, None) if name else None, parent=around, made=_Marked)


def _end(theirs: Any) -> None:
    structure = _own.pop(theirs, None)
    _inside.pop(theirs, None)
    if structure is not None:
        if getattr(theirs, "error", None) is not None:
            structure.attributes.setdefault(semconv.ERROR_TYPE, _OTHER)
        target = getattr(getattr(theirs, "span_data", None), "to_agent", None)
        if isinstance(target, str):
            structure.attributes[semconv.AGENT_NAME] = target
        structure.finish()


def _failed(theirs: Any, kind: Any) -> None:
    structure = _own.get(theirs)
    if structure is not None and isinstance(kind, type) and kind is not GeneratorExit:
        structure.attributes[semconv.ERROR_TYPE] = kind.__name__


@unseen
def _starting(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
    guarded(_begin, instance)
    return wrapped(*args, **kwargs)


@unseen
def _finishing(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
    guarded(_end, instance)
    return wrapped(*args, **kwargs)


@unseen
def _exiting(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
    guarded(_failed, instance, args[0] if args else None)
    return wrapped(*args, **kwargs)


PATCHES: Final = tuple(
    Patch(module, f"{kind}.{name}", asynchronous=False, around=around)
    for module, kind in ((_SPANS, "SpanImpl"), (_SPANS, "NoOpSpan"), (_TRACES, "TraceImpl"))
    for name, around in (("start", _starting), ("finish", _finishing), ("__exit__", _exiting))
)
