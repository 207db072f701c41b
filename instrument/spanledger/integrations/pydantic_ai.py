"""pydantic-ai >= 2: agent runs, tool calls and fallbacks between models as structure; the calls are the SDKs' below."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from spanledger import semconv
from spanledger._call import _reset
from spanledger._guard import guarded
from spanledger._patch import Patch

from ._structure import Structure, Tries, argument, around_manager, opened, spanning

if TYPE_CHECKING:
    from collections.abc import Callable

_AGENT: Final = "pydantic_ai.agent"
_TOOLS: Final = "pydantic_ai.tool_manager"
_FALLBACK: Final = "pydantic_ai.models.fallback"


class _Chain(Tries):
    """One request to a `FallbackModel`."""

    __slots__ = ("_token",)

    def enter(self) -> None:
        self._token = _current.set(self)
        super().enter()

    def leave(self) -> None:
        super().leave()
        _reset(self._token)


_current: ContextVar[_Chain | None] = ContextVar("spanledger_pydantic_ai_chain", default=None)


def _run(agent: Any, _args: Any, kwargs: dict[str, Any]) -> Structure | None:
    told = {}
    if isinstance(kwargs.get("conversation_id"), str):
        told[semconv.CONVERSATION_ID] = kwargs["conversation_id"]
    return opened("pydantic-ai", "invoke_agent", agent.name, told)


def _tool(_manager: Any, args: Any, kwargs: dict[str, Any]) -> Structure | None:
    validated = argument(args, kwargs, 0, "validated")
    return opened("pydantic-ai", "execute_tool", validated.call.tool_name)


def _chain(_model: Any, _args: Any, _kwargs: Any) -> Structure | None:
    return opened("pydantic-ai", "invoke_workflow", "FallbackModel", made=_Chain)


def _failed(wrapped: Callable[..., Any], _instance: Any, args: Any, kwargs: Any) -> Any:
    guarded(_tried, argument(args, kwargs, 1, "model"), argument(args, kwargs, 2, "failure"), "invalid")
    return wrapped(*args, **kwargs)


def _chosen(wrapped: Callable[..., Any], _instance: Any, args: Any, kwargs: Any) -> Any:
    if _FAILURES.active:  # the last try alone would say that there was no other
        guarded(_tried, argument(args, kwargs, 0, "model"), None, "")
    return wrapped(*args, **kwargs)


def _tried(model: Any, failure: Any, unwanted: str) -> None:
    """`failure` is an error, or a reply that a handler of the application did not want."""
    chain = _current.get()
    if chain is not None:
        error = failure if isinstance(failure, BaseException) else None
        chain.tried(model.model_name, error, "" if error else unwanted)


_FAILURES: Final = Patch(
    _FALLBACK, "FallbackModel._record_failed_attempt", asynchronous=False, around=_failed, required=False
)
PATCHES: Final = (
    Patch(_AGENT, "Agent.iter", None, around_manager(_run)),
    spanning(_TOOLS, "ToolManager.execute_tool_call", _tool, asynchronous=True),
    spanning(_FALLBACK, "FallbackModel.request", _chain, asynchronous=True),
    Patch(_FALLBACK, "FallbackModel.request_stream", None, around_manager(_chain)),
    _FAILURES,
    Patch(_FALLBACK, "FallbackModel._set_span_attributes", asynchronous=False, around=_chosen, required=False),
)
