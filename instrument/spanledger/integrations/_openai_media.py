"""What OpenAI's images, sound, moderations and batches are asked and answer, at OpenAI's and at its imitators.

Pictures and sound are counted, never read. Nobody pays for a moderation, nor for handing in a batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spanledger import semconv

from ._openai_chat import identity, read_request
from ._openai_responses import USAGE
from ._shape import Attributes, counts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._shape import Request

OPERATIONS: Final = {
    "images": "image_generation",
    "speech": "speech",
    "transcription": "transcription",
    "moderation": "moderation",
    "batch": "create_batch",
}
_OUTPUT_TYPES: Final = {"images": "image", "speech": "speech", "transcription": "text"}
_DONE: Final = ("speech.audio.done", "transcript.text.done", "image_generation.completed", "image_edit.completed")
_KINDS: Final = (
    ("audio_tokens", semconv.USAGE_INPUT_AUDIO),
    ("image_tokens", semconv.BILLED_PREFIX + "image_input"),
)
_MADE: Final = (("image_tokens", semconv.BILLED_PREFIX + "image_output"),)


def read_media_request(api: str, kwargs: Mapping[str, Any]) -> Request:
    request = read_request(api, kwargs)
    request.schema = request.schema_json = None  # `response_format` is a file's here
    request.attributes.pop(semconv.OUTPUT_TYPE, None)
    if api in _OUTPUT_TYPES:
        request.attributes[semconv.OUTPUT_TYPE] = _OUTPUT_TYPES[api]
    return request


def read_media(api: str, reply: Any) -> Attributes:
    if api in ("moderation", "batch"):
        return identity(reply)
    if isinstance(reply, str):  # a transcription in plain text tells nothing beside
        return {semconv.OUTPUT_CHARS: len(reply)}
    if api == "speech":
        return {}
    found = _read_usage(getattr(reply, "usage", None))
    if api == "images":
        return found or {semconv.BILLED_PREFIX + "images": len(reply.data or ())}
    found[semconv.OUTPUT_CHARS] = len(getattr(reply, "text", None) or "")
    heard = getattr(reply, "duration", None)
    if not found.keys() & _COUNTED and isinstance(heard, (int, float, str)):
        found[semconv.BILLED_PREFIX + "audio_seconds"] = float(heard)
    return found


_COUNTED: Final = {semconv.USAGE_INPUT_TOKENS, semconv.BILLED_PREFIX + "audio_seconds"}


def _read_usage(usage: Any) -> Attributes:
    """Tokens, or seconds of sound."""
    found = counts(usage, USAGE)
    for name, table in (
        ("input_tokens_details", _KINDS),
        ("input_token_details", _KINDS),
        ("output_tokens_details", _MADE),
    ):
        details = getattr(usage, name, None)
        if details is not None:
            found |= counts(details, table)
    seconds = getattr(usage, "seconds", None)
    if isinstance(seconds, (int, float)):
        found[semconv.BILLED_PREFIX + "audio_seconds"] = float(seconds)
    return found


class MediaReader:
    """Pieces of pictures, of sound or of a transcription; the last one tells the usage."""

    def __init__(self) -> None:
        self.complete = False
        self._usage: Any = None
        self._chars = 0

    def feed(self, event: Any) -> None:
        kind = event.type
        if kind == "transcript.text.delta":
            self._chars += len(event.delta or "")
        elif kind in _DONE:
            self._usage = getattr(event, "usage", None)
            self.complete = True

    def result(self) -> Attributes:
        found = _read_usage(self._usage)
        return found | ({semconv.OUTPUT_CHARS: self._chars} if self._chars else {})
