"""MCP: what a client asks of a server is structure, with names and kinds of errors only."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.structure import CANARY, structure, told

import spanledger
from spanledger import semconv

mcp = pytest.importorskip("mcp")

from mcp.client import Client  # noqa: E402
from mcp.client.session import ClientSession  # noqa: E402
from mcp.server import MCPServer  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.spans import Spans


def server() -> Any:
    made = MCPServer("shelf")

    @made.tool()
    def look_up(name: str) -> str:
        return f"{name} found"

    @made.tool()
    def fail(name: str) -> str:
        raise ValueError(name)

    @made.tool()
    async def wait() -> str:
        await asyncio.sleep(30)
        return ""

    @made.prompt()
    def greet(name: str) -> str:
        return f"Hello {name}"

    @made.resource("shelf://one")
    def one() -> str:
        return CANARY

    return made


def asked(ask: Callable[[Any], Any]) -> Any:
    async def connected() -> Any:
        async with Client(server()) as client:
            return await ask(client)

    return asyncio.run(connected())


def test_a_tool_call_is_structure_with_its_name(spans: Spans) -> None:
    result = asked(lambda client: client.call_tool("look_up", {"name": CANARY}))
    assert result.content[0].text == f"{CANARY} found"
    (call,) = structure(spans)
    assert call.name == "execute_tool look_up"
    assert told(call)[semconv.TOOL_NAME] == "look_up"
    assert told(call)[semconv.MCP_METHOD] == "tools/call"
    assert told(call)[semconv.MCP_PROTOCOL]
    assert CANARY not in spans.text()


def test_a_failing_tool_is_a_result_that_says_so(spans: Spans) -> None:
    assert asked(lambda client: client.call_tool("fail", {"name": CANARY})).is_error
    (call,) = structure(spans)
    assert told(call)[semconv.ERROR_TYPE] == "tool_error"
    assert CANARY not in spans.text()


def test_prompts_and_resources_too(spans: Spans) -> None:
    async def both(client: Any) -> None:
        await client.get_prompt("greet", {"name": CANARY})
        await client.read_resource("shelf://one")

    asked(both)
    assert [told(span)[semconv.MCP_METHOD] for span in structure(spans)] == ["prompts/get", "resources/read"]
    assert CANARY not in spans.text()
    assert "shelf://" not in spans.text()


def test_a_cancelled_call_ends(spans: Spans) -> None:
    async def give_up(client: Any) -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.call_tool("wait", {}), 1.0)

    asked(give_up)
    (call,) = structure(spans)
    assert told(call)[semconv.ERROR_TYPE] == "CancelledError"


def test_it_belongs_to_the_span_it_is_made_in(spans: Spans) -> None:
    async def ask(client: Any) -> None:
        with spans.provider.get_tracer("app").start_as_current_span("request"):
            await client.call_tool("look_up", {"name": "x"})

    asked(ask)
    (call,) = structure(spans)
    (request,) = [span for span in spans.all if span.name == "request"]
    assert call.parent is not None
    assert call.parent.span_id == request.context.span_id  # type: ignore[union-attr]


def test_wrong_arguments_raise_where_they_did(spans: Spans) -> None:
    async def ask(client: Any) -> None:
        with pytest.raises(TypeError):
            client.session.call_tool()

    asked(ask)


def test_without_instrumentation_it_is_as_it_was(spans: Spans) -> None:
    spanledger.uninstrument()
    assert not hasattr(vars(ClientSession)["call_tool"], "_self_wrapper")
    asked(lambda client: client.call_tool("look_up", {"name": CANARY}))
    assert not structure(spans)
