"""Replies to work that no call waits for: results of batches, responses that worked in the background.

Each is billed when its usage is first read here (`_billing`). Nothing is read for the application, or kept from it.
"""

from __future__ import annotations

import io
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.trace import Link

from . import _callsite, _setup, _tags, semconv
from ._billing import bill, later
from ._bodies import _Listener, decoded
from ._client import is_raw, server
from ._guard import guarded
from .integrations._shape import DONE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from types import FrameType

    from .integrations._shape import Attributes, Integration, Target

_LONGEST_LINE: Final = 32 * 1024 * 1024  # bytes
_LONGEST_JOB: Final = 1024 * 1024  # bytes of lines handed over at once


class Reading:
    """One reading of such replies: who reads, and with which tags. To whatever listens to bodies it is a call."""

    first_piece_at: float | None = None
    open = True

    def __init__(self, integration: Integration, target: Target, resource: Any, given: Mapping[str, Any]) -> None:
        client = integration.client_of(resource)
        self.integration = integration
        self.target = target
        self.attributes: Attributes = {}
        self._given = given
        self._client = client
        here = trace.get_current_span().get_span_context()
        self.links = [Link(here)] if here.is_valid else []

    def by(self, tags: Mapping[str, str], site: Mapping[str, Any]) -> Reading:
        self.attributes = {**tags, **site, **server(self._client, self.integration)}
        return self

    def look(self, reply: Any) -> None:
        """Read what is here, and listen to what is yet to come; nothing is read for the application."""
        if is_raw(self._given):
            self._body(reply.http_response)
        elif hasattr(reply, self.integration.iterator):
            iterator = getattr(reply, self.integration.iterator)
            setattr(reply, self.integration.iterator, _Pieces(iterator, self))
        elif hasattr(reply, "iter_bytes"):  # a file, read already
            self._body(getattr(reply, "response", None) or reply.http_response)
        else:
            self.told(reply)

    def _body(self, response: Any) -> None:
        kind = response.headers.get("content-type", "")
        whole = self.target.api != "batch_results" and "event-stream" not in kind
        reader = (_Document if whole else _Lines)(self)
        if response.is_closed:
            reader.feed(response.content)
            reader.end()
        else:
            _Listener(response, self, reader).listen(response)  # type: ignore[arg-type]

    def told(self, piece: Any) -> None:
        """A reply, or one piece of a stream: a bill if it tells of finished work."""
        found = self.integration.read_result(self.target.api, piece, self._given)
        done: Any = found.pop(DONE, None)
        if done is not None:
            found[semconv.OPERATION_NAME] = found.get(semconv.OPERATION_NAME) or self.integration.operations["chat"]
            later(partial(bill, self.integration.package, {**self.attributes, **found}, done, self.links))

    def lines(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            text = line.removeprefix(b"data:").strip()
            if text.startswith(b"{"):
                guarded(self._line, text)

    def _line(self, text: bytes) -> None:
        self.told(decoded(text))

    def finish(self, *_: Any) -> None:
        """A body came to its end: what it told is billed already."""


class _Pieces:
    """The iterator of a stream or of a file of results; every piece is passed on as it came."""

    def __init__(self, pieces: Any, reading: Reading) -> None:
        self._pieces = pieces
        self._reading = reading

    def __iter__(self) -> _Pieces:
        return self

    def __aiter__(self) -> _Pieces:
        return self

    def __next__(self) -> Any:
        piece = next(self._pieces)
        guarded(self._reading.told, piece)
        return piece

    async def __anext__(self) -> Any:
        piece = await self._pieces.__anext__()
        guarded(self._reading.told, piece)
        return piece

    def close(self) -> Any:
        return self._pieces.close()

    def aclose(self) -> Any:
        return self._pieces.aclose()


class _Lines:
    """Lines of JSON, or of server-sent events, in pieces. A file whose first line is no result is left alone."""

    complete = True

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._parts: list[bytes] = []
        self._size = 0
        self._first = True
        self._off = False

    def feed(self, part: bytes) -> None:
        if self._off:
            return
        self._size += len(part)
        self._parts.append(part)
        if b"\n" in part:
            whole, _, rest = b"".join(self._parts).rpartition(b"\n")
            self._parts, self._size = [rest], len(rest)
            self._hand(whole)
        elif self._size > _LONGEST_LINE:
            self._leave()

    def end(self) -> None:
        if not self._off:
            self._hand(b"".join(self._parts))

    def result(self) -> Attributes:
        return {}

    def _hand(self, whole: bytes) -> None:
        if self._first and self._reading.target.api == "batch_results" and whole.strip():
            self._first = False
            if b'"custom_id"' not in whole.lstrip().partition(b"\n")[0]:
                self._leave()
                return
        later(partial(self._reading.lines, io.BytesIO(whole)), min(len(whole), _LONGEST_JOB))

    def _leave(self) -> None:
        self._off, self._parts = True, []


class _Document(_Lines):
    """One JSON document in pieces."""

    def feed(self, part: bytes) -> None:
        self._size += len(part)
        if self._size <= _LONGEST_LINE:
            self._parts.append(part)

    def end(self) -> None:
        if self._size <= _LONGEST_LINE:
            later(partial(self._reading.lines, [b"".join(self._parts)]), min(self._size, _LONGEST_JOB))


def around(integration: Integration, target: Target, caller: FrameType, wrapped: Callable[..., Any], *call: Any) -> Any:
    """What stands around a method that hands out such replies."""
    instance, args, kwargs = call
    given = {**dict(zip(target.positional, args, strict=False)), **kwargs}
    reading = guarded(_reading, integration, target, caller, instance, given)
    reply = wrapped(*args, **kwargs)
    if reading is None:
        return reply
    if target.asynchronous:
        return _awaited(reading, reply)
    guarded(reading.look, reply)
    return reply


async def _awaited(reading: Reading, awaitable: Awaitable[Any]) -> Any:
    reply = await awaitable
    guarded(reading.look, reply)
    return reply


def _reading(
    integration: Integration, target: Target, caller: FrameType, instance: Any, given: Mapping[str, Any]
) -> Reading | None:
    tags = _tags.current()
    if tags is None or _setup.ended():
        return None
    _setup.destination()  # here, for a fork must not find our own thread in the middle of an import
    return Reading(integration, target, instance, given).by(tags, _callsite.find(caller))
