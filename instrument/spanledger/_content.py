"""Prompts and replies on the span, only where OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT asks for them.

In the form of the conventions: https://github.com/open-telemetry/semantic-conventions-genai.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from . import semconv
from ._fingerprint import encode

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST: Final = 32 * 1024  # characters of one part
_MOST: Final = 512 * 1024  # characters of one attribute; what is longer is left out
_SYSTEM: Final = ("system", "developer")


def asked(tools: Any, system: Any, prompt: Any) -> dict[str, str]:
    """The request's content as attributes. System messages inside the prompt stay where they are."""
    messages = [_message(message) for message in _listed(prompt)]
    inside = [message for message in _listed(system) if isinstance(message, dict) and message.get("role") in _SYSTEM]
    told = {semconv.INPUT_MESSAGES: messages, semconv.TOOL_DEFINITIONS: _listed(tools)}
    if not inside:
        told[semconv.SYSTEM_INSTRUCTIONS] = list(_parts(system))
    return _encoded(told)


def replied(texts: list[str]) -> dict[str, str]:
    """What the model wrote, as far as the integration keeps it: texts, and the arguments of tool calls."""
    parts = [_text(text) for text in texts]
    return _encoded({semconv.OUTPUT_MESSAGES: [{"role": "assistant", "parts": parts}]})


def _encoded(told: dict[str, list[Any]]) -> dict[str, str]:
    texts = {key: encode(value) for key, value in told.items() if value}
    return {key: text for key, text in texts.items() if len(text) <= _MOST}


def _listed(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return list(value)
    return [] if value is None else [value]


def _message(message: Any) -> dict[str, Any]:
    if not isinstance(message, dict):
        return {"role": "user", "parts": list(_parts(message))}
    parts = list(_parts(message.get("content", message.get("parts"))))
    if message.get("role") == "tool":
        parts = [{"type": "tool_call_response", "id": message.get("tool_call_id"), "response": parts}]
    elif "role" not in message:  # an item of the responses API: a call of a function, or what it returned
        parts = [_item(message)]
    parts += [_called(call) for call in message.get("tool_calls") or ()]
    return {"role": str(message.get("role", "user")), "parts": parts}


def _parts(content: Any) -> Iterable[dict[str, Any]]:
    for part in _listed(content):
        if isinstance(part, dict):
            yield _item(part)
        else:
            yield _text(part)


def _text(value: Any) -> dict[str, Any]:
    return {"type": "text", "content": str(value)[:_LONGEST]}


def _item(part: dict[str, Any]) -> dict[str, Any]:
    kind = part.get("type")
    if isinstance(part.get("text"), str):
        return _text(part["text"])
    if kind in ("tool_use", "function_call"):
        return _call(part.get("call_id") or part.get("id"), part.get("name"), part.get("input", part.get("arguments")))
    if kind in ("tool_result", "function_call_output"):
        called = part.get("call_id") or part.get("tool_use_id")
        return {"type": "tool_call_response", "id": called, "response": _cut(part.get("content", part.get("output")))}
    return {"type": str(kind or "other"), "content": _cut(part)}


def _called(call: Any) -> dict[str, Any]:
    call = call if isinstance(call, dict) else {}
    function = call.get("function") or call.get("custom") or {}
    return _call(call.get("id"), function.get("name"), function.get("arguments", function.get("input")))


def _call(call_id: Any, name: Any, arguments: Any) -> dict[str, Any]:
    return {"type": "tool_call", "id": call_id, "name": name, "arguments": _cut(arguments)}


def _cut(value: Any) -> Any:
    """`value` as it is, or the beginning of its JSON: images come as megabytes of base64."""
    text = encode(value)
    return value if len(text) <= _LONGEST else text[:_LONGEST]
