"""Replies whose HTTP body is the caller's (`with_raw_response`, `with_streaming_response`).

A body that has been read is looked at. One that has not is never read here: what passes by when the caller reads it is
listened to, through the one method of the HTTP client that every decoded byte goes through.
"""

from __future__ import annotations

import json
import weakref
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from ._guard import guarded
from ._streams import Ending, loosely, on_close
from .integrations._shape import Answer, Fields

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from ._call import Call
    from .integrations._shape import Attributes, Integration

_LONGEST: Final = 32 * 1024 * 1024  # bytes of one JSON body kept for reading


def decoded(content: bytes | str) -> Any:
    return json.loads(content, object_hook=Fields)


def look(call: Call, response: Any) -> None:
    """Read a body that is already here, or listen to one that is yet to come."""
    if response.is_closed:
        told = guarded(read_body, call.integration, call.target.api, response)
        call.finish("ok", told)
        return
    streamed = "event-stream" in response.headers.get("content-type", "")
    reader = _Events(call) if streamed else _Document(call)
    call.response = Answer(response.status_code, response.headers)  # holds no body that the application drops
    _Listener(response, call, reader).listen(response)


def read_body(integration: Integration, api: str, response: Any) -> Attributes:
    return _read(integration, api, response.content)


def _read(integration: Integration, api: str, content: bytes) -> Attributes:
    """What a body tells that is JSON. Sound and plain text tell nothing; what claims to be JSON and is not, neither."""
    try:
        document = decoded(content)
    except ValueError:
        return {}
    return integration.read_reply(api, document) if isinstance(document, Fields) else {}


class _Document:
    """A JSON body in pieces."""

    def __init__(self, call: Call) -> None:
        self.complete = False
        self._call = call
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, part: bytes) -> None:
        self._size += len(part)
        if self._size <= _LONGEST:
            self._parts.append(part)

    def end(self) -> None:
        self.complete = True

    def result(self) -> Attributes:
        if not self.complete or self._size > _LONGEST:
            return {}
        return _read(self._call.integration, self._call.target.api, b"".join(self._parts))


class _Events:
    """Server-sent events in pieces: the `data:` lines are what the SDK would have made its pieces of."""

    def __init__(self, call: Call) -> None:
        self._reader = call.integration.reader(call.target.api)
        self._rest = b""

    @property
    def complete(self) -> bool:
        return self._reader.complete

    def feed(self, part: bytes) -> None:
        *lines, self._rest = (self._rest + part).split(b"\n")
        for line in lines:
            if line.startswith(b"data:") and b"[DONE]" not in line[:16]:
                self._reader.feed(decoded(line[5:]))

    def end(self) -> None:
        """Nothing: whether the provider had its last word is in its events."""

    def result(self) -> Attributes:
        return self._reader.result()


class _Listener:
    """Stands in for `iter_bytes` on one response until its end; the response then is as the HTTP client made it."""

    def __init__(self, response: Any, call: Call, reader: _Document | _Events) -> None:
        self._response = weakref.ref(response)
        self._call = call
        self._reader = reader
        self._ending = Ending(call, reader)
        self._inside = False

    def listen(self, response: Any) -> None:
        response.iter_bytes = self._sync(loosely(response, response.iter_bytes))
        response.aiter_bytes = self._async(loosely(response, response.aiter_bytes))
        on_close(response.stream, self._closed)
        weakref.finalize(response, self._closed)  # dropped without a word

    def _sync(self, iter_bytes: Callable[..., Iterator[bytes]]) -> Callable[..., Iterator[bytes]]:
        def listening(*args: Any, **kwargs: Any) -> Iterator[bytes]:
            try:
                self._inside = True
                for part in iter_bytes(*args, **kwargs):
                    self._heard(part)
                    self._inside = False
                    yield part
                    self._inside = True
            except GeneratorExit:
                self._end(self._ending.left)
                raise
            except BaseException as error:
                self._end(self._ending.failed, error)
                raise
            self._reached()

        return listening

    def _async(self, aiter_bytes: Callable[..., AsyncIterator[bytes]]) -> Callable[..., AsyncIterator[bytes]]:
        async def listening(*args: Any, **kwargs: Any) -> AsyncIterator[bytes]:
            try:
                self._inside = True
                async for part in aiter_bytes(*args, **kwargs):
                    self._heard(part)
                    self._inside = False
                    yield part
                    self._inside = True
            except GeneratorExit:
                self._end(self._ending.left)
                raise
            except BaseException as error:
                self._end(self._ending.failed, error)
                raise
            self._reached()

        return listening

    def _heard(self, part: bytes) -> None:
        if self._call.first_piece_at is None:
            self._call.first_piece_at = perf_counter()
        guarded(self._reader.feed, part)

    def _reached(self) -> None:
        guarded(self._reader.end)
        self._end(self._ending.reached)

    def _closed(self) -> None:
        if not self._inside:
            self._end(self._ending.left)

    def _end(self, ending: Callable[..., None], *args: Any) -> None:
        for name in ("iter_bytes", "aiter_bytes"):
            getattr(self._response(), "__dict__", {}).pop(name, None)
        guarded(ending, *args)
