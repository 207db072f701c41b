"""A streamed reply, watched while the application reads it. The stream stays the SDK's own object.

Only its private iterator is replaced, by one that passes every piece on before it is read here. The end is seen once:
the last piece, an error, a cancellation, `close()`, or the stream becoming garbage.
"""

from __future__ import annotations

import weakref
from functools import lru_cache
from time import perf_counter
from types import AsyncGeneratorType, GeneratorType
from typing import TYPE_CHECKING, Any, Final, Protocol

from . import _setup
from ._call import said, validated
from ._guard import guarded, note

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from ._call import Call
    from .integrations._shape import Attributes, Reader

_END: Final = object()
_TELL: Final = "_spanledger_tell"
_open: weakref.WeakSet[Watched] = weakref.WeakSet()


class Heard(Protocol):
    """What an ending asks of whatever listened to the stream."""

    @property
    def complete(self) -> bool: ...
    def result(self) -> Attributes: ...


class Ending:
    """Finishes a streamed call: what the reader saw, and how the stream came to its end."""

    __slots__ = ("_call", "_reader")

    def __init__(self, call: Call, reader: Heard) -> None:
        self._call = call
        self._reader = reader

    def reached(self) -> None:
        """The body is read to its end; without the provider's last word the server cut it short."""
        self._finish("ok" if self._reader.complete else "truncated")

    def left(self) -> None:
        """The application stopped reading."""
        self._finish("ok" if self._reader.complete else "abandoned")

    def failed(self, error: BaseException) -> None:
        self._finish("error" if isinstance(error, Exception) else "cancelled", error)

    def _finish(self, outcome: str, error: BaseException | None = None) -> None:
        if not self._call.open:
            return
        told = guarded(self._reader.result) or {}
        if error is not None:
            told |= guarded(validated, self._call, error) or {}
        texts = getattr(self._reader, "texts", None)  # not every reader keeps them
        if texts is not None:
            guarded(said, self._call, texts())
        guarded(self._call.finish, outcome, told, error)


class Watched:
    """The iterator of a watched stream, for `for` and `async for`."""

    def __init__(self, pieces: Any, call: Call, reader: Reader) -> None:
        self.ending = Ending(call, reader)
        self.pieces = pieces
        self.leave = call.leave
        self._next: Callable[[], Any] = getattr(pieces, "__next__", None) or pieces.__anext__
        self._call = call
        self._reader = reader
        self._feed: Callable[[Any], None] | None = None  # until the first piece: a method of our own would be a cycle
        self._reading = False

    def __iter__(self) -> Watched:
        return self

    def __aiter__(self) -> Watched:
        return self

    def __next__(self) -> Any:
        self._reading = True
        try:
            piece = self._next()
        except StopIteration:
            guarded(self.ending.reached)
            raise
        except BaseException as error:
            guarded(self.ending.failed, error)
            raise
        self._reading = False
        try:
            (self._feed or self._first)(piece)
        except Exception as fault:  # noqa: BLE001 - guard: a piece we cannot read is still the application's
            self._give_up(fault)
        return piece

    async def __anext__(self) -> Any:
        self._reading = True
        try:
            piece = await self._next()
        except StopAsyncIteration:
            guarded(self.ending.reached)
            raise
        except BaseException as error:
            guarded(self.ending.failed, error)
            raise
        self._reading = False
        try:
            (self._feed or self._first)(piece)
        except Exception as fault:  # noqa: BLE001 - guard: a piece we cannot read is still the application's
            self._give_up(fault)
        return piece

    def _first(self, piece: Any) -> None:
        self._call.first_piece_at = perf_counter()
        self._feed = self._reader.feed
        self._feed(piece)

    def _give_up(self, fault: Exception) -> None:
        note(self._feed or self._first, fault)
        self._feed = _unread

    def closed(self) -> None:
        """The response was closed: by the reader itself on its way to the end, or by the application."""
        if not self._reading:
            guarded(self.ending.left)

    def start(self) -> bool:
        """The request goes out with the first piece: whether the call is to be left after it."""
        if self._call.begun:
            return False
        guarded(self._call.start)
        return True

    def interrupted(self, error: BaseException) -> None:
        if isinstance(error, GeneratorExit):
            self.ending.left()
        else:
            self.ending.failed(error)

    def let_go(self) -> None:
        """At exit: a native span would otherwise wait for its SDK, which learns of the end too late."""
        if self._call.native is not None:
            self._call.native.release()

    def close(self) -> Any:
        return self.pieces.close()

    def aclose(self) -> Any:
        return self.pieces.aclose()

    def _left(self) -> None:
        self.ending.left()

    def __del__(self) -> None:
        guarded(self._left)


class Unasked(Watched):
    """Keeps to itself the pieces that came only because we asked for usage."""

    def __next__(self) -> Any:
        piece = super().__next__()
        while guarded(self._call.integration.only_usage, piece):
            piece = super().__next__()
        return piece

    async def __anext__(self) -> Any:
        piece = await super().__anext__()
        while guarded(self._call.integration.only_usage, piece):
            piece = await super().__anext__()
        return piece


def _unread(_piece: Any) -> None:
    """In place of a reader that failed."""


def watch(call: Call, reply: Any) -> Any:
    """Watch a streamed reply until its end: what to hand on in its place, the SDK's own object or as plain a generator.

    A generator has no place to put an iterator into: another one is handed on.
    """
    kind = type(reply)
    if kind is GeneratorType or kind is AsyncGeneratorType:
        return relayed(Watched(reply, call, call.integration.reader(call.target.api)))
    _watch_inside(call, call.integration.stream_of(reply))
    return reply


def _watch_inside(call: Call, stream: Any) -> None:
    place = call.integration.iterator
    kind = Watched if call.injected is None else Unasked
    watched = kind(getattr(stream, place), call, call.integration.reader(call.target.api))
    setattr(stream, place, watched)
    _open.add(watched)
    ref = weakref.ref(watched)  # a strong one would make a cycle, and a dropped stream wait for the garbage collector

    def closed() -> None:
        watched = ref()
        if watched is not None:
            watched.closed()

    on_close(call.integration.body_of(stream), closed)


def relayed(watched: Watched) -> Any:
    """A generator that gives what `watched` gives, named as the one it stands for."""
    _open.add(watched)
    pieces = watched.pieces
    relay: Any = _relay_async(watched) if isinstance(pieces, AsyncGeneratorType) else _relay(watched)
    relay.__name__, relay.__qualname__ = pieces.__name__, pieces.__qualname__
    return relay


def _relay(watched: Watched) -> Iterator[Any]:
    sends = watched.start()
    try:
        piece = next(watched, _END)
    finally:
        if sends:
            guarded(watched.leave)
    while piece is not _END:
        try:
            yield piece
        except BaseException as error:
            _interrupted(watched, error)
            raise
        piece = next(watched, _END)


def _interrupted(watched: Watched, error: BaseException) -> None:
    """The application closed the generator, or threw `error` into it: the SDK's own is to know."""
    try:
        if isinstance(error, GeneratorExit):
            watched.close()
        else:
            watched.pieces.throw(error)
    finally:
        guarded(watched.interrupted, error)


async def _relay_async(watched: Watched) -> AsyncIterator[Any]:
    sends = watched.start()
    try:
        piece = await anext(watched, _END)
    finally:
        if sends:
            guarded(watched.leave)
    while piece is not _END:
        try:
            yield piece
        except BaseException as error:
            await _interrupted_async(watched, error)
            raise
        piece = await anext(watched, _END)


async def _interrupted_async(watched: Watched, error: BaseException) -> None:
    try:
        if isinstance(error, GeneratorExit):
            await watched.aclose()
        else:
            await watched.pieces.athrow(error)
    finally:
        guarded(watched.interrupted, error)


def on_close(body: Any, tell: Callable[[], None]) -> None:
    """Call `tell` when the body of a response is closed. Told of that: the response itself can be pickled.

    By a class of its own, for what stands on an object holds it, or is gone when the object is closed as garbage.
    """
    if body is None:
        return
    told = vars(body).get(_TELL)
    setattr(body, _TELL, (*(told or ()), tell))
    if told is None:
        body.__class__ = _telling(body.__class__)


@lru_cache(maxsize=64)
def _telling(cls: Any) -> Any:
    """The class `cls`, that tells when an object of it is closed."""

    def closing(name: str) -> Callable[[Any], Any]:
        def close(self: Any) -> Any:
            for tell in vars(self).get(_TELL, ()):
                guarded(tell)
            return getattr(cls, name)(self)

        return close

    told = {name: closing(name) for name in ("close", "aclose") if hasattr(cls, name)}
    return type(cls.__name__, (cls,), {"__module__": cls.__module__, "__qualname__": cls.__qualname__, **told})


def loosely(owner: Any, method: Callable[..., Any]) -> Callable[..., Any]:
    """`method` of `owner` without holding that, so that it can be kept on it and yet go out of use at once."""
    function = getattr(method, "__func__", None)
    try:
        ref = weakref.ref(owner)
    except TypeError:
        return method
    return method if function is None else lambda *args, **kwargs: function(ref(), *args, **kwargs)


def _finish_open() -> None:
    """Streams the program never finished reading, at its exit."""
    for watched in list(_open):
        guarded(watched.ending.left)
        guarded(watched.let_go)


_setup.before_exit.append(_finish_open)
