"""langchain-core >= 1: its runs of chains, agents, tools and retrievers as structure; the calls are the SDKs' below.

LangChain itself knows which run is current in a context: it is asked. No callback handler is added anywhere. A model
whose SDK is not recorded has no bill: what LangChain says of its usage is not read.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary

from spanledger import _setup, semconv
from spanledger._guard import guarded
from spanledger._patch import Patch, unseen

from ._shape import Fields
from ._structure import Tries, argument, opened, saved

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_MANAGER: Final = "langchain_core.callbacks.manager"
_MODELS: Final = "langchain_core.language_models"
_NO_CALLS: Final = ("prompt", "parser")  # kinds of runs that make none: too many, and nothing belongs under them
_FALLBACKS: Final = "RunnableWithFallbacks"
_PROVIDERS: Final = {
    "amazon_bedrock": "aws.bedrock",
    "azure": "azure.ai.openai",
    "google_genai": "gcp.gemini",
    "google_vertexai": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "mistralai": "mistral_ai",
    "xai": "x_ai",
}


class _Run(Tries):
    """The span of one run. Held by its run manager: one that LangChain never ends, ends with that."""

    __slots__ = ("__weakref__", "falls_back")
    falls_back: bool

    def __del__(self) -> None:
        guarded(self.finish)


_runs: WeakValueDictionary[Any, _Run] = WeakValueDictionary()  # by LangChain's run id


def _current_run() -> _Run | None:
    module = sys.modules.get("langchain_core.runnables.config")
    config = module.var_child_runnable_config.get() if module is not None else None
    return _runs.get(getattr(config.get("callbacks"), "parent_run_id", None)) if config else None


def _current() -> _setup.Enclosing | None:
    run = _current_run()
    return None if run is None else run.enclosing


_setup.finders.append(_current)


def _begin(operation: str, manager: Any, args: Any, kwargs: Any) -> None:
    if kwargs.get("run_type") in _NO_CALLS:
        return
    serialized = argument(args, kwargs, 0, "serialized") or {}
    path = serialized.get("id")
    name = kwargs.get("name") or serialized.get("name") or (path[-1] if isinstance(path, list) and path else "")
    about = manager.metadata or {}
    if operation == "invoke_workflow" and "agent" in str(name).lower() and "langgraph_node" not in about:
        operation = "invoke_agent"
    told = {semconv.CONVERSATION_ID: str(about["thread_id"])} if about.get("thread_id") else {}  # LangGraph's word
    run = opened("langchain", operation, str(name), told, parent=_runs.get(manager.parent_run_id), made=_Run)
    if isinstance(run, _Run):
        run.falls_back = _FALLBACKS in str(name)
        _runs[manager.run_id] = run
        manager._spanledger_run = run  # noqa: SLF001 - whoever ends the run has the manager


def _starting(operation: str) -> Callable[..., Any]:
    @unseen
    def starting(wrapped: Callable[..., Any], _instance: Any, args: Any, kwargs: Any) -> Any:
        manager = wrapped(*args, **kwargs)
        guarded(_begin, operation, manager, args, kwargs)
        return manager

    return starting


def _starting_async(operation: str) -> Callable[..., Any]:
    @unseen
    def starting(wrapped: Callable[..., Any], _instance: Any, args: Any, kwargs: Any) -> Any:
        return _started(wrapped(*args, **kwargs), operation, args, kwargs)

    return starting


async def _started(awaitable: Awaitable[Any], operation: str, args: Any, kwargs: Any) -> Any:
    manager = await awaitable
    guarded(_begin, operation, manager, args, kwargs)
    return manager


def _ending(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
    guarded(_end, instance, None)
    return wrapped(*args, **kwargs)


def _failing(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
    guarded(_end, instance, argument(args, kwargs, 0, "error"))
    return wrapped(*args, **kwargs)


def _end(manager: Any, error: BaseException | None) -> None:
    """A chain or a model ended: a try, where the run around it is one with fallbacks."""
    run = _runs.pop(manager.run_id, None)
    around = _runs.get(manager.parent_run_id) or _current_run()
    if around is not None and around.falls_back and not hasattr(manager, "on_tool_end"):
        around.tried((manager.metadata or {}).get("ls_model_name"), error)
    if run is not None:
        run.finish(error)


def _from_cache(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
    found = wrapped(*args, **kwargs)
    guarded(_hit, instance, found)
    return found


def _hit(model: Any, found: Any) -> None:
    """A reply out of LangChain's cache was paid before."""
    about = model._get_ls_params()  # noqa: SLF001
    usage = getattr(found[0].message, "usage_metadata", None) or {}
    _tell_hit("chat", about.get("ls_provider", ""), about.get("ls_model_name", ""), usage)


def _tell_hit(operation: str, provider: str, model: str, usage: dict[str, Any]) -> None:
    told = {
        semconv.CACHE_HIT: True,
        semconv.PROVIDER_NAME: _PROVIDERS.get(provider, provider),
        semconv.REQUEST_MODEL: model,
        **saved(Fields(usage=Fields(usage))),
    }
    structure = opened("langchain", operation, model, told)
    if structure is not None:
        structure.finish()


def _prompts(wrapped: Callable[..., Any], _instance: Any, args: Any, kwargs: Any) -> Any:
    found = wrapped(*args, **kwargs)
    guarded(_hits, found, argument(args, kwargs, 0, "params"))
    return found


def _prompts_async(wrapped: Callable[..., Any], _instance: Any, args: Any, kwargs: Any) -> Any:
    return _looked_up(wrapped(*args, **kwargs), argument(args, kwargs, 0, "params"))


async def _looked_up(awaitable: Awaitable[Any], params: Any) -> Any:
    found = await awaitable
    guarded(_hits, found, params)
    return found


def _hits(found: Any, params: dict[str, Any]) -> None:
    for _ in found[0]:  # prompts that the cache knows; text models keep no usage with them
        _tell_hit("text_completion", "", str(params.get("model_name") or params.get("model") or ""), {})


def _runs_of(kind: str, operation: str) -> tuple[Patch, ...]:
    """The patches around the runs of one kind (Chain, Tool, Retriever), sync and async."""
    event = f"on_{kind.lower()}"
    sync, async_ = f"CallbackManagerFor{kind}Run", f"AsyncCallbackManagerFor{kind}Run"
    start, start_async = _starting(operation), _starting_async(operation)
    return (
        Patch(_MANAGER, f"CallbackManager.{event}_start", asynchronous=False, around=start),
        Patch(_MANAGER, f"AsyncCallbackManager.{event}_start", asynchronous=True, around=start_async),
        *_ends_of(sync, async_, event),
    )


def _ends_of(sync: str, async_: str, event: str) -> tuple[Patch, ...]:
    return (
        Patch(_MANAGER, f"{sync}.{event}_end", asynchronous=False, around=_ending),
        Patch(_MANAGER, f"{sync}.{event}_error", asynchronous=False, around=_failing),
        Patch(_MANAGER, f"{async_}.{event}_end", asynchronous=True, around=_ending),
        Patch(_MANAGER, f"{async_}.{event}_error", asynchronous=True, around=_failing),
    )


PATCHES: Final = (
    *_runs_of("Chain", "invoke_workflow"),
    *_runs_of("Tool", "execute_tool"),
    *_runs_of("Retriever", "retrieval"),
    *_ends_of("CallbackManagerForLLMRun", "AsyncCallbackManagerForLLMRun", "on_llm"),
    Patch(
        f"{_MODELS}.chat_models", "BaseChatModel._convert_cached_generations", asynchronous=False,
        around=_from_cache, required=False,
    ),
    Patch(f"{_MODELS}.llms", "get_prompts", asynchronous=False, around=_prompts, required=False),
    Patch(f"{_MODELS}.llms", "aget_prompts", asynchronous=True, around=_prompts_async, required=False),
)  # fmt: skip
