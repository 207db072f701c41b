"""litellm >= 1.83: a call is the SDK's below where that is recorded, and litellm's own where its own HTTP client sends.

The public functions are wrappers around an original that they hold in a closure. That is where they are patched: copies
(`from litellm import completion`) are then seen too, and what the wrapper's cache answers never becomes a call.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from spanledger import semconv
from spanledger._call import last
from spanledger._guard import guarded
from spanledger._observe import _attempted, _attempted_async
from spanledger._patch import Patch, target_patch, unseen
from spanledger._replies import remember

from ._litellm_read import OPERATIONS, fields_of, read_reply, read_request, reader, route, texts
from ._litellm_router import PATCHES as ROUTER
from ._litellm_streams import PATCHES as STREAMS
from ._litellm_streams import place_of
from ._shape import Integration, Target
from ._structure import argument, opened, saved

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from spanledger._call import Made

_HTTP: Final = "litellm.llms.custom_httpx.http_handler"
_MESSAGES: Final = "litellm.llms.anthropic.pass_through.messages.handler"
_OLD_MESSAGES: Final = "litellm.llms.anthropic.experimental_pass_through.messages.handler"
_CACHE: Final = "litellm.caching.caching_handler"
_CELL: Final = "original_function"
# Set where the async twin has the sync function make its request, in another thread.
_TWINS: Final = (
    "acompletion", "aembedding", "aimg_generation", "atext_completion", "atranscription", "arerank", "aspeech",
    "aresponses", "_is_async", "is_async",
)  # fmt: skip
_MOCKS: Final = ("mock_response", "mock_tool_calls", "mock_timeout")


def _sends(kwargs: Mapping[str, Any]) -> bool:
    """Not a mock, not the sync half of an async call, and not a loop over fallbacks, which makes calls of its own."""
    if any(kwargs.get(name) is True for name in _TWINS) or any(kwargs.get(name) for name in _MOCKS):
        return False
    module = sys.modules.get("litellm")
    return not (kwargs.get("fallbacks") or kwargs.get("model_list") or getattr(module, "model_fallbacks", None))


@dataclass(slots=True)
class _InClosure(Patch):
    """Patched in the closure of the function at `path`, where every copy of that function looks."""

    def apply(self, module: Any) -> None:
        cell = None if self.active else _cell_of(getattr(module, self.path, None))
        if cell is None:
            self.found = self.found if self.active else "is not in this version"
            return
        self._owner, self._original = cell, cell.cell_contents
        self._placed = self._placed_on(self._original)
        cell.cell_contents = self._placed
        self.active, self.found = True, "patched"

    def remove(self) -> None:
        if not self.active:
            return
        self.active, self.found = False, "not patched"
        if self._owner.cell_contents is self._placed:
            self._owner.cell_contents = self._original


def _cell_of(function: Any) -> Any:
    code = getattr(function, "__code__", None)
    cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=False)) if code else {}
    return cells.get(_CELL)


def _from_cache(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
    """Around what litellm makes a reply of that it found in its cache."""
    reply = wrapped(*args, **kwargs)
    guarded(_hit, argument(args, kwargs, 0, "cached_result"), argument(args, kwargs, 1, "call_type"), args, kwargs)
    return reply


def _from_cache_in_parts(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
    """Embeddings are cached one by one: only when all of them are found is there no call."""
    found = wrapped(*args, **kwargs)
    reply, complete = found
    if complete:
        guarded(_hit, reply, "embedding", args, kwargs)
    return found


def _hit(found: Any, called: Any, args: Any, kwargs: Any) -> None:
    """What a cache answers was paid before."""
    reply = fields_of(found)
    request = argument(args, kwargs, 2, "kwargs") or {}
    asked = request.get("model") or kwargs.get("model")
    provider, model = route(asked if isinstance(asked, str) else "", request)
    told = {semconv.CACHE_HIT: True, semconv.PROVIDER_NAME: provider, semconv.REQUEST_MODEL: model} | saved(reply)
    if isinstance(answered := getattr(reply, "model", None), str):
        told[semconv.RESPONSE_MODEL] = answered
    structure = opened("litellm", OPERATIONS.get(str(called).removeprefix("a"), "chat"), model, told)
    if structure is not None:
        structure.finish()


def _posted(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    if _helps(argument(args, kwargs, 0, "url")):
        return wrapped(*args, **kwargs)
    return _attempted(wrapped, instance, args, kwargs)


def _posted_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    if _helps(argument(args, kwargs, 0, "url")):
        return wrapped(*args, **kwargs)
    return _attempted_async(wrapped, instance, args, kwargs)


def _helps(url: Any) -> bool:
    """A question about a model, or for a token, that litellm asks on the way."""
    return isinstance(url, str) and url.endswith(("/api/show", "/token"))


def _twins(module: str, name: str, api: str, *positional: str) -> tuple[Target, ...]:
    common: dict[str, Any] = {"only": _sends, "positional": positional}
    return (
        Target(module, name, api, asynchronous=False, **common),
        Target(module, f"a{name}", api, asynchronous=True, **common),
    )


# text_completion() is not here: it makes its request through completion().
_TARGETS: Final = (
    *_twins("litellm.main", "completion", "completion", "model", "messages"),
    *_twins("litellm.main", "embedding", "embedding", "model", "input"),
    *_twins("litellm.main", "transcription", "transcription", "model", "file"),
    *_twins("litellm.main", "speech", "speech", "model", "input"),
    *_twins("litellm.images.main", "image_generation", "image_generation", "prompt", "model"),
    *_twins("litellm.rerank_api.main", "rerank", "rerank", "model", "query"),
    *_twins("litellm.responses.main", "responses", "responses", "input", "model"),
    Target("litellm.main", "atext_completion", "text_completion", asynchronous=True, only=_sends),
    *(
        Target(module, "anthropic_messages", "messages", asynchronous=True, only=_sends)
        for module in (_MESSAGES, _OLD_MESSAGES)
    ),
)


class _Litellm:
    """In place of a client: litellm's functions have none."""


_LITELLM: Final = _Litellm()

INTEGRATION: Final = Integration(
    package="litellm",
    provider="litellm",
    targets=(),
    read_request=read_request,
    read_reply=read_reply,
    reader=reader,
    texts=texts,
    operations=OPERATIONS,
    client_of=lambda _: _LITELLM,
    url_of=lambda _: None,
    stream_of=place_of,
    body_of=lambda _: None,
    delegates=True,
    unsent=frozenset({"AuthenticationError", "BadRequestError", "BudgetExceededError", "UnsupportedParamsError"}),
)


def _telling(around: Callable[..., Any], api: str) -> Callable[..., Any]:
    """Have a reply recognised as that of the call which made it, where an SDK below was given none of its text."""

    @unseen
    def wrapper(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
        before = last.get()
        reply = around(wrapped, instance, args, kwargs)
        guarded(_tell, before, api, reply)
        return reply

    return wrapper


def _telling_async(around: Callable[..., Any], api: str) -> Callable[..., Any]:
    @unseen
    def wrapper(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
        return _told(around(wrapped, instance, args, kwargs), api)

    return wrapper


@unseen
async def _told(awaitable: Awaitable[Any], api: str) -> Any:
    before = last.get()
    reply = await awaitable
    guarded(_tell, before, api, reply)
    return reply


def _tell(before: Made | None, api: str, reply: Any) -> None:
    made = last.get()
    if made is not None and made is not before:
        remember(made, texts(api, reply))


def _in_closure(target: Target) -> Patch:
    patch = target_patch(INTEGRATION, target)
    around = (_telling_async if target.asynchronous else _telling)(patch.around, target.api)
    return _InClosure(patch.module, patch.path, patch.asynchronous, around, required=False)


PATCHES: Final = (
    *(_in_closure(target) for target in _TARGETS),
    *STREAMS,
    *ROUTER,
    Patch(_HTTP, "HTTPHandler.post", asynchronous=False, around=_posted),
    Patch(_HTTP, "AsyncHTTPHandler.post", asynchronous=True, around=_posted_async),
    *(
        Patch(_CACHE, f"LLMCachingHandler.{name}", asynchronous=False, around=around, required=False)
        for name, around in (
            ("_convert_cached_result_to_model_response", _from_cache),
            ("_process_async_embedding_cached_response", _from_cache_in_parts),
        )
    ),
)
