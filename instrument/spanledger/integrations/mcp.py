"""mcp >= 1: what a client asks of a server, as structure. A server's calls of models are that process's."""

from __future__ import annotations

from typing import Any, Final

from spanledger import semconv

from ._structure import Opens, Structure, argument, opened, spanning

_SESSION: Final = "mcp.client.session"
_TOOL_ERROR: Final = "tool_error"  # the conventions' word for a result that says it is one


def _asks(method: str, operation: str, *, named: bool) -> Opens:
    def opens(session: Any, args: Any, kwargs: dict[str, Any]) -> Structure | None:
        told = {semconv.MCP_METHOD: method}
        version = getattr(session, "protocol_version", None)
        if isinstance(version, str):
            told[semconv.MCP_PROTOCOL] = version
        return opened("mcp", operation, str(argument(args, kwargs, 0, "name")) if named else None, told)

    return opens


def _answered(structure: Structure, result: Any) -> None:
    if getattr(result, "is_error", None) or getattr(result, "isError", None):
        structure.attributes[semconv.ERROR_TYPE] = _TOOL_ERROR


PATCHES: Final = (
    spanning(
        _SESSION,
        "ClientSession.call_tool",
        _asks("tools/call", "execute_tool", named=True),
        _answered,
        asynchronous=True,
    ),
    spanning(_SESSION, "ClientSession.get_prompt", _asks("prompts/get", "get_prompt", named=True), asynchronous=True),
    spanning(
        _SESSION,
        "ClientSession.read_resource",
        _asks("resources/read", "read_resource", named=False),  # its address may hold anything
        asynchronous=True,
    ),
)
