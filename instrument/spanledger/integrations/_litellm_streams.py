"""litellm's streams, watched from beside: their classes have no place that an iterator could be put into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary, ref

from spanledger._bodies import decoded
from spanledger._guard import guarded
from spanledger._patch import Patch

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanledger._streams import Watched

    from ._shape import Attributes, Reader

_watched: WeakKeyDictionary[Any, Watched] = WeakKeyDictionary()  # stream -> what listens to it


class _Under:
    """The iterator that is watched: the stream's own method, lent for one piece so that nothing holds the stream."""

    __slots__ = ("next",)
    next: Callable[[], Any]

    def __next__(self) -> Any:
        return self.next()


class _Place:
    """Where the watched iterator of a stream is kept."""

    def __init__(self, stream: Any) -> None:
        self._stream = ref(stream)

    @property
    def _iterator(self) -> _Under:
        return _Under()

    @_iterator.setter
    def _iterator(self, watched: Watched) -> None:
        stream = self._stream()
        kept = getattr(stream, "chunks", None)
        if isinstance(kept, list):
            watched._reader.kept = kept  # type: ignore[attr-defined] # noqa: SLF001
        _watched[stream] = watched


def place_of(stream: Any) -> _Place:
    """For streams of the classes patched here; any other cannot be watched."""
    if getattr(type(stream), "__module__", "") not in _MODULES:
        raise TypeError(f"no place in a {type(stream).__name__}")
    return _Place(stream)


def _next(wrapped: Callable[[], Any], instance: Any, args: Any, kwargs: Any) -> Any:
    watched = _watched.get(instance)
    if watched is None:
        return wrapped(*args, **kwargs)
    watched.pieces.next = wrapped
    sends = guarded(_sends, watched, instance)
    try:
        return next(watched)
    finally:
        del watched.pieces.next
        if sends:
            guarded(watched.leave)


def _anext(wrapped: Callable[[], Any], instance: Any, args: Any, kwargs: Any) -> Any:
    watched = _watched.get(instance)
    return wrapped(*args, **kwargs) if watched is None else _heard(watched, wrapped, instance)


async def _heard(watched: Watched, wrapped: Callable[[], Any], instance: Any) -> Any:
    watched.pieces.next = wrapped
    sends = guarded(_sends, watched, instance)
    try:
        return await watched.__anext__()
    finally:
        del watched.pieces.next
        if sends:
            guarded(watched.leave)


def _sends(watched: Watched, stream: Any) -> bool:
    """Some requests go out with the first piece: then it is made inside the call."""
    if getattr(stream, "completion_stream", stream) is not None:
        return False
    watched._call.enter()  # noqa: SLF001
    return True


def _aclose(wrapped: Callable[[], Any], instance: Any, args: Any, kwargs: Any) -> Any:
    watched = _watched.get(instance)
    if watched is not None:
        guarded(watched.closed)
    return wrapped(*args, **kwargs)


class SseReader:
    """Server-sent events as bytes, for a reader of their data."""

    def __init__(self, reader: Reader) -> None:
        self.complete = False
        self._reader = reader
        self._rest = b""

    def feed(self, part: Any) -> None:
        *lines, self._rest = (self._rest + (part.encode() if isinstance(part, str) else part)).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                self._reader.feed(decoded(line[5:]))
        self.complete = self._reader.complete

    def result(self) -> Attributes:
        return self._reader.result()


_CHAT: Final = "litellm.litellm_core_utils.streaming_handler"
_RESPONSES: Final = "litellm.responses.streaming_iterator"
_MESSAGES: Final = "litellm.llms.anthropic.pass_through.messages.streaming_iterator"
_MODULES: Final = frozenset({_CHAT, _RESPONSES, _MESSAGES})
PATCHES: Final = (
    Patch(_CHAT, "CustomStreamWrapper.__next__", asynchronous=False, around=_next),
    Patch(_CHAT, "CustomStreamWrapper.__anext__", asynchronous=True, around=_anext),
    *(
        Patch(module, path, asynchronous=asynchronous, around=around, required=False)
        for module, path, asynchronous, around in (
            (_CHAT, "CustomStreamWrapper.aclose", True, _aclose),
            (_RESPONSES, "SyncResponsesAPIStreamingIterator.__next__", False, _next),
            (_RESPONSES, "ResponsesAPIStreamingIterator.__anext__", True, _anext),
            (_RESPONSES, "MockResponsesAPIStreamingIterator.__next__", False, _next),
            (_RESPONSES, "MockResponsesAPIStreamingIterator.__anext__", True, _anext),
            (_MESSAGES, "AnthropicMessagesStreamingResponse.__anext__", True, _anext),
            (_MESSAGES, "AnthropicMessagesStreamingResponse.aclose", True, _aclose),
        )
    ),
)
