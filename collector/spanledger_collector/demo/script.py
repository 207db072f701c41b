"""Scripted replies: what the next requests to the simulator get instead of a normal answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

LONGEST_S = 600.0  # no scripted delay or stream outlives this
OK = 200


class ScriptInvalid(ValueError):
    """A scripted reply that cannot be played; the text names the key and the remedy."""


@dataclass(frozen=True, slots=True)
class Scripted:
    """One reply of the script. The default changes nothing: a normal 200 answer. Times in seconds."""

    status: int = OK
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0  # before the first byte
    drop_after_chunks: int | None = None  # cut the connection after so many pieces of content
    error_after_chunks: int | None = None  # the provider's own error event after so many pieces
    usage: Mapping[str, Any] | None = None  # verbatim, in the endpoint's own shape
    text: str | None = None
    tool: Mapping[str, Any] | None = None  # {"name", "arguments"}: the model calls it, asked for or not
    body: Any = None  # verbatim JSON instead of the whole reply
    chunks: int | None = None  # pieces of content in a stream
    chunk_delay: float = 0.0  # before each piece

    @classmethod
    def read(cls, raw: object) -> Scripted:
        """From decoded JSON. Raises ScriptInvalid."""
        if not isinstance(raw, Mapping):
            raise ScriptInvalid(f"a scripted reply is an object, not {raw!r}: write for example {{'status': 429}}")
        known = {each.name for each in fields(cls)}
        for name in raw:
            if name not in known:
                raise ScriptInvalid(f"unknown key {name!r} in a scripted reply: use one of {', '.join(sorted(known))}")
        reply = cls(**raw)
        _check(reply)
        return reply


NORMAL = Scripted()


def _check(reply: Scripted) -> None:
    if not 100 <= reply.status <= 599:  # noqa: PLR2004 - HTTP's range
        raise ScriptInvalid(f"status is {reply.status!r}: give an HTTP status from 100 to 599")
    if reply.tool is not None and (reply.text is not None or "name" not in reply.tool):
        raise ScriptInvalid(f"tool is {reply.tool!r}: give {{'name': ..., 'arguments': {{...}}}} and no text beside it")
    for name in ("delay", "chunk_delay"):
        value = getattr(reply, name)
        if not 0 <= value <= LONGEST_S:
            raise ScriptInvalid(f"{name} is {value!r}: give seconds from 0 to {LONGEST_S:.0f}")
    for name in ("drop_after_chunks", "error_after_chunks", "chunks"):
        value = getattr(reply, name)
        if value is not None and not 0 <= value <= 1_000_000:  # noqa: PLR2004 - built in memory
            raise ScriptInvalid(f"{name} is {value!r}: give a count from 0 to 1000000")
