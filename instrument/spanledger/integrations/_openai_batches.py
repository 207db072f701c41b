"""The results of OpenAI's batches, at OpenAI's and at its imitators: one line of a file each, billed as batches are."""

from __future__ import annotations

from time import time_ns
from typing import TYPE_CHECKING, Any, Final

from spanledger import semconv

from ._openai_chat import read_completion, read_embeddings, read_text
from ._openai_media import read_media
from ._openai_responses import read_response
from ._shape import DONE, Attributes, Done, Fields, nanoseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TIER: Final = "batch"
_BODIES: Final[dict[str | None, tuple[str, Callable[[Any], Attributes]]]] = {
    "chat.completion": ("chat", read_completion),
    "response": ("chat", read_response),
    "text_completion": ("text_completion", read_text),
    "list": ("embeddings", read_embeddings),
    None: ("image_generation", lambda body: read_media("images", body)),
}


def read_line(line: Any, given: Mapping[str, Any]) -> Attributes:
    """What one line tells; nothing when its request failed, which nobody pays for."""
    body: Any = line.response.get("body") if isinstance(line.response, Fields) else None
    if not isinstance(body, Fields) or not body.get("usage") or body.get("object") not in _BODIES:
        return {}
    operation, read = _BODIES[body.get("object")]
    found = read(body)
    made = nanoseconds(body.get("created") or body.get("created_at")) or time_ns()
    identity = line.id or body.get("id") or f"{given.get('file_id')}/{line.custom_id}"
    found[DONE] = Done(str(identity), made, made)
    return found | {semconv.OPERATION_NAME: operation, semconv.SERVICE_TIER: TIER}
