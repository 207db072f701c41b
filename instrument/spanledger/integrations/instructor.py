"""instructor >= 1.17: one structure span per `create()`, with each paid try and why it was made again.

The calls inside are the provider SDK's. The usage that instructor sums up over them is never read.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from spanledger import _validation, semconv
from spanledger._guard import guarded
from spanledger._patch import Patch, unseen

from ._structure import Structure, argument, around, around_async, opened, saved

if TYPE_CHECKING:
    from collections.abc import Callable

_RETRIES: Final = "instructor.v2.core.patch"
_MODEL, _KWARGS, _HOOKS = (1, "response_model"), (7, "kwargs"), (9, "hooks")


class _Tries:
    """Listens to one `create()` through hooks added to the application's own."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema if isinstance(schema, type) else None
        self._paid = 0
        self._outcomes: list[str] = []
        self._errors: list[str] = []
        self._fields: list[str] = []

    def on(self, hooks: Any) -> Any:
        """New hooks: the given ones, then ours."""
        ours = hooks.__class__()
        ours.on("completion:response", self._answered)
        ours.on("completion:error", self._failed)
        ours.on("parse:error", self._misfit)
        return hooks + ours

    def _answered(self, _response: Any) -> None:
        self._paid += 1

    def _failed(self, error: Exception) -> None:
        guarded(self._add, "error", error)

    def _misfit(self, error: Exception) -> None:
        guarded(self._add, "invalid", error)

    def _add(self, outcome: str, error: Exception) -> None:
        told = _validation.failed(error, self._schema)
        pairs = zip(told.get(semconv.VALIDATION_FIELDS, ()), told.get(semconv.VALIDATION_ERRORS, ()), strict=True)
        self._outcomes.append(outcome)
        self._errors.append(type(error).__name__)
        self._fields.append(",".join(f"{field}:{kind}" for field, kind in pairs))

    def attributes(self, *, fits: bool) -> dict[str, Any]:
        last = ["ok"] if fits else []
        return {
            semconv.TRIES: len(self._outcomes) + len(last),
            semconv.TRY_OUTCOMES: self._outcomes + last,
            semconv.TRY_ERRORS: [*self._errors, *[""] * len(last)],
            semconv.TRY_FIELDS: [*self._fields, *[""] * len(last)],
            semconv.VALIDATION_OUTCOME: "ok" if fits else "failed",
        }


class _Create(Structure):
    """The span of one `create()`, which learns at its end how the tries went."""

    __slots__ = ("tries",)
    tries: _Tries

    def finish(self, error: BaseException | None = None) -> None:
        self.attributes |= self.tries.attributes(fits=error is None)
        super().finish(error)


def _listening(place: Callable[..., Any]) -> Callable[..., Any]:
    """Around `retry_sync_v2` and its twin: nothing to tell where no schema is asked for."""

    @unseen
    def wrapper(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
        schema = argument(args, kwargs, *_MODEL)
        tries = _Tries(schema)
        hooked = guarded(_hooked, tries, args, kwargs) if schema is not None else None
        if hooked is None:
            return wrapped(*args, **kwargs)
        return place(lambda *_: _opened(schema, argument(args, kwargs, *_KWARGS), tries))(
            wrapped, instance, args, hooked
        )

    return wrapper


def _hooked(tries: _Tries, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any] | None:
    if len(args) > _HOOKS[0]:
        return None  # not how instructor calls it
    hooks = kwargs.get("hooks") or sys.modules["instructor.v2.core.hooks"].Hooks()
    return {**kwargs, "hooks": tries.on(hooks)}


def _opened(schema: Any, request: Any, tries: _Tries) -> Structure | None:
    name = getattr(schema, "__name__", type(schema).__name__)
    told = {semconv.VALIDATION_SCHEMA: name}
    model = request.get("model") if isinstance(request, dict) else None
    if isinstance(model, str):
        told[semconv.REQUEST_MODEL] = model
    structure = opened("instructor", "invoke_workflow", name, told, made=_Create)
    if isinstance(structure, _Create):
        structure.tries = tries
    return structure


def _from_cache(wrapped: Callable[..., Any], _instance: Any, args: Any, kwargs: Any) -> Any:
    """Look into the response cache: what is found there was paid before."""
    found = wrapped(*args, **kwargs)
    if found is not None:
        guarded(_hit, found)
    return found


def _hit(found: Any) -> None:
    reply = getattr(found, "_raw_response", None)
    model = getattr(reply, "model", None)
    told = {semconv.CACHE_HIT: True, semconv.VALIDATION_SCHEMA: type(found).__name__} | saved(reply)
    if isinstance(model, str):
        told[semconv.RESPONSE_MODEL] = model
    structure = opened("instructor", "invoke_workflow", type(found).__name__, told)
    if structure is not None:
        structure.finish()


PATCHES: Final = (
    Patch(_RETRIES, "retry_sync_v2", asynchronous=False, around=_listening(around)),
    Patch(_RETRIES, "retry_async_v2", asynchronous=True, around=_listening(around_async)),
    Patch("instructor.cache", "load_cached_response", asynchronous=False, around=_from_cache, required=False),
)
