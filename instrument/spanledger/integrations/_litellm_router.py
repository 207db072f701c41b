"""litellm's Router and `fallbacks=`: one structure span per request, with what was tried and how each try ended."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from spanledger import semconv
from spanledger._call import _reset
from spanledger._guard import guarded
from spanledger._patch import Patch, unseen

from ._structure import Structure, Tries, argument, opened, spanning

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_ROUTER: Final = "litellm.router"


class _Request(Tries):
    """The span of one routed request."""

    __slots__ = ("_token",)

    def enter(self) -> None:
        self._token = _current.set(self)
        super().enter()

    def leave(self) -> None:
        super().leave()
        _reset(self._token)


_current: ContextVar[_Request | None] = ContextVar("spanledger_litellm_request", default=None)


def _routed(_instance: Any, args: Any, kwargs: dict[str, Any]) -> Structure | None:
    """A fallback comes back through the same function: it belongs to the request under way."""
    return None if _current.get() is not None else _request("Router", argument(args, kwargs, 0, "model"))


def _with_fallbacks(_instance: Any, args: Any, kwargs: dict[str, Any]) -> Structure | None:
    return _request("fallbacks", argument(args, kwargs, 0, "model"))


def _request(name: str, model: Any) -> Structure | None:
    told = {semconv.REQUEST_MODEL: model} if isinstance(model, str) else {}
    return opened("litellm", "invoke_workflow", name, told, made=_Request)


def _trying(wrapped: Callable[..., Any], _instance: Any, args: Any, kwargs: Any) -> Any:
    request = _current.get()
    return wrapped(*args, **kwargs) if request is None else _tried(request, wrapped(*args, **kwargs), kwargs)


@unseen
async def _tried(request: _Request, awaitable: Awaitable[Any], kwargs: dict[str, Any]) -> Any:
    model = kwargs.get("model")
    try:
        result = await awaitable
    except BaseException as error:
        guarded(request.tried, model, error)
        raise
    guarded(request.tried, model)
    return result


PATCHES: Final = (
    spanning(_ROUTER, "Router.async_function_with_fallbacks", _routed, asynchronous=True, required=False),
    Patch(_ROUTER, "Router.make_call", asynchronous=True, around=_trying, required=False),
    spanning("litellm.main", "completion_with_fallbacks", _with_fallbacks, asynchronous=False, required=False),
    spanning("litellm.main", "async_completion_with_fallbacks", _with_fallbacks, asynchronous=True, required=False),
)
