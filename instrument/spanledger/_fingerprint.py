"""Keyed hashes that tell whether two prompts are equal, without telling what they say."""

from __future__ import annotations

import json
import os
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from . import semconv

if TYPE_CHECKING:
    from .integrations._shape import Request

_DIGEST: Final = 16  # bytes
_KEY: Final = blake2b.MAX_KEY_SIZE


def _opaque(value: Any) -> Any:
    """Stand-in for what JSON has no form for. An iterator of the caller's is named, never read."""
    fields = getattr(value, "__dict__", None)
    return fields if isinstance(fields, dict) and fields else type(value).__name__


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_opaque).encode
_key: list[bytes] = []


def set_key(key: bytes | None) -> None:
    """Use `key`, or one drawn at random for this process: hashes then compare only within it (and its forks)."""
    _key[:] = [blake2b(key).digest()[:_KEY] if key else os.urandom(32)]


def _hash(value: object) -> str:
    if not _key:
        set_key(None)
    return blake2b(_encode(value).encode("utf-8", "surrogatepass"), digest_size=_DIGEST, key=_key[0]).hexdigest()


def of_request(request: Request) -> dict[str, str]:
    """Hashes of the whole request, of its system prompt and of its tools, those that it has."""
    if request.prompt is None:  # an iterator of the caller's: not ours to read
        return {}
    whole = (request.model, request.system, request.tools, request.prompt)
    hashes = {semconv.FINGERPRINT_REQUEST: _hash(whole)}
    if request.system:
        hashes[semconv.FINGERPRINT_SYSTEM] = _hash(request.system)
    if request.tools:
        hashes[semconv.FINGERPRINT_TOOLS] = _hash(request.tools)
    return hashes
