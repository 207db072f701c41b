"""Replies recognised where the application validates them: `Model.model_validate_json`, `TypeAdapter.validate_json`.

A reply's text is known by its length and Python's own hash of it, keyed anew in every process; no text is kept.
pydantic is patched at the first reply there is to recognise. A text of a length that no reply had costs one look-up.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from functools import partial
from time import time_ns
from typing import TYPE_CHECKING, Any, Final

from . import semconv
from ._call import failed as may_be_repeated
from ._guard import guarded
from ._judged import span_of_judgement
from ._later import LATER
from ._patch import Patch
from ._registry import REGISTRY
from ._validation import failed, judged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ._call import Made

_MOST: Final = 512  # replies remembered
_SHORTEST: Final = 2  # characters: {}
_recent: dict[int, dict[int, Made]] = {}  # length -> hash -> the call that said it; oldest lengths first
_patched: list[bool] = []


def remember(made: Made, texts: Iterable[str]) -> None:
    for text in texts:
        if len(text) >= _SHORTEST:
            with LATER.lock:
                _recent.setdefault(len(text), {})[hash(text)] = made
                if len(_recent) > _MOST or len(_recent[len(text)]) > _MOST:
                    del _recent[next(iter(_recent))]
    if not _patched:
        _patched.append(True)
        REGISTRY.add(_patches())


def _said_by(text: Any) -> Made | None:
    if text.__class__ is bytes:
        text = text.decode() if len(text) in _recent else ""  # of another length than its characters: not recognised
    if text.__class__ is not str or len(text) not in _recent:
        return None
    return _recent[len(text)].get(hash(text))


@dataclass(slots=True)
class _PlainPatch(Patch):
    """Patched by a plain function, not by wrapt: a bound `model_validate_json` can be pickled, and stays so."""

    def _placed_on(self, original: Any) -> Any:
        method = isinstance(original, classmethod)
        plain = original.__func__ if method else original
        patch = self

        @functools.wraps(plain)
        def validating(owner: Any, *args: Any, **options: Any) -> Any:
            made = guarded(_said_by, args[0] if args else next(iter(options.values()), None)) if patch.active else None
            if made is None:
                return plain(owner, *args, **options)
            return patch.around(partial(plain, owner), made, args, options, owner)

        return classmethod(validating) if method else validating


def _validating(wrapped: Callable[..., Any], made: Made, args: Any, options: Any, owner: Any) -> Any:
    try:
        result = wrapped(*args, **options)
    except Exception as error:
        guarded(LATER.hand, partial(_tell, made, owner, error, time_ns()))
        raise
    guarded(LATER.hand, partial(_tell, made, owner, None, time_ns()))
    return result


def _tell(made: Made, owner: Any, error: Exception | None, at_ns: int) -> None:
    """On our own thread: describing a schema takes its time."""
    schema = getattr(owner, "_type", owner)  # of a TypeAdapter
    if error is not None:
        may_be_repeated(made)
    told = judged(schema, fits=True) if error is None else failed(error, schema, owner)
    if told:
        told[semconv.VALIDATION_BY] = "pydantic"
        span_of_judgement(made, "spanledger.validation", told, at_ns)


def _patches() -> list[Patch]:
    return [
        _PlainPatch("pydantic.main", "BaseModel.model_validate_json", None, _validating, required=False),
        _PlainPatch("pydantic.type_adapter", "TypeAdapter.validate_json", None, _validating, required=False),
    ]
