"""multipart/form-data as the SDKs send files: read with the standard library's mail parser."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import HTTP
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spanledger_collector.demo.prose import Json


class FormInvalid(ValueError):
    """A body that is no form; the text is the provider's message to its user."""


def read_form(raw: bytes, media: str) -> Json:
    """Fields as texts (``stream`` as a boolean), files as bytes. Raises FormInvalid."""
    parsed = message_from_bytes(f"content-type: {media}\r\n\r\n".encode() + raw, policy=HTTP)
    if not parsed.is_multipart():
        raise FormInvalid("Could not parse multipart form.")
    return {_name(part): _value(part) for part in parsed.iter_parts()}


def _name(part: Any) -> str:
    return str(part.get_param("name", "", header="content-disposition"))


def _value(part: Any) -> Any:
    content = part.get_payload(decode=True) or b""
    if part.get_filename():
        return content
    text = content.decode(errors="replace")
    return text == "true" if _name(part) == "stream" else text
