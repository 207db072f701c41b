"""Keyed hashes that tell whether two prompts are equal, and where they part, without telling what they say.

The caller's thread takes a copy of the prompt's bytes, in one call; the hashing is done later (`_later`).
"""

from __future__ import annotations

import json
import marshal
import os
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from . import _setup, semconv
from ._guard import guarded
from ._later import LATER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ._call import Call
    from .integrations._shape import Request

DIGEST: Final = 16  # bytes
_KEY: Final = blake2b.MAX_KEY_SIZE
_LARGEST: Final = 4 * 1024 * 1024  # bytes of one prompt
_NO_REFERENCES: Final = 2  # marshal's last format in which equal values are equal bytes


def _opaque(value: Any) -> Any:
    """Stand-in for what JSON has no form for. An iterator of the caller's is named, never read."""
    if isinstance(value, (bytes, bytearray)):
        return {"bytes": blake2b(value, digest_size=DIGEST).hexdigest()}
    fields = getattr(value, "__dict__", None)
    return fields if isinstance(fields, dict) and fields else type(value).__name__


encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_opaque).encode
canonical = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_opaque, sort_keys=True).encode
_key: list[bytes] = []


def set_key(key: bytes | None) -> None:
    """Use `key`, or one drawn at random for this process: hashes then compare only within it (and its forks)."""
    _key[:] = [blake2b(key).digest()[:_KEY] if key else os.urandom(32)]


def hasher(size: int = DIGEST) -> Any:
    if not _key:
        set_key(None)
    return blake2b(digest_size=size, key=_key[0])


def keyed(text: str) -> str:
    made = hasher()
    made.update(text.encode("utf-8", "surrogatepass"))
    digest: str = made.hexdigest()
    return digest


class Prompt:
    """A prompt on its way to its fingerprints. The later of hashing and the call's end closes the span.

    What is known when the call begins is put on the span with the hashes, while the provider thinks.
    """

    __slots__ = ("_call", "_close", "_kept", "_ready", "hashes", "placed")

    def __init__(self, call: Call, kept: bytes | str, known: Mapping[str, Any]) -> None:
        self._call: Call | None = call
        self._kept = kept
        self.placed: Mapping[str, Any] = {} if call.span is None else {**known}  # on the span before its end
        self._ready = False
        self._close: Callable[[], object] | None = None
        self.hashes: dict[str, Any] = {}

    def hash(self) -> None:
        call, self._call = self._call, None
        assert call is not None
        if not LATER.hurry:
            self.hashes = guarded(self._hashes, call.request) or {}
            if not call.integration.delegates:  # else another's call may take its place
                self.hashes |= guarded(logical, call, self.hashes) or {}
        self._kept = b""
        if self.placed and call.span is not None:
            guarded(call.span.set_attributes, {**self.placed, **self.hashes})
        with LATER.lock:
            self._ready, close, self._close = True, self._close, None
        if close is not None:
            close()

    def _hashes(self, request: Request) -> dict[str, Any]:
        from ._prefix import fingerprints

        kept = self._kept
        parts = marshal.loads(kept) if isinstance(kept, bytes) else json.loads(kept)  # noqa: S302 - bytes of our own
        hashes = fingerprints(request.model, request.attributes, parts)
        if _setup.options.content:
            from ._content import asked

            hashes |= asked(*parts[:3])
        return hashes

    def then(self, close: Callable[[], object]) -> None:
        """Call `close` once the hashes are here: now, or from the thread that makes them."""
        with LATER.lock:
            if not self._ready:
                self._close = close
                return
        close()


def logical(call: Call, hashes: Mapping[str, Any]) -> dict[str, Any]:
    from ._logical import placed

    return placed(call, hashes)


def take(call: Call, told: dict[str, Any]) -> Prompt | None:
    """Copy the prompt and have it hashed. None when it is an iterator of the caller's; or too much waits, and told."""
    request = call.request
    if request.prompt is None:
        return None
    prompt = Prompt(call, _copy((request.tools, request.system, request.prompt, request.schema_json)), told)
    size = len(prompt._kept)  # noqa: SLF001
    if size > _LARGEST or not LATER.hand(prompt.hash, size):
        told[semconv.FINGERPRINT_DROPPED] = True
        return None
    return prompt


def _copy(value: tuple[Any, ...]) -> bytes | str:
    try:
        return marshal.dumps(value, _NO_REFERENCES)
    except ValueError:  # has something of the SDK's or the application's own
        return encode(value)
