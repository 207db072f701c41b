"""claude-agent-sdk: its CLI calls the model in another process. What that reports is structure, never a bill."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.structure import CANARY, bills, structure, told

import spanledger
from spanledger import semconv

sdk = pytest.importorskip("claude_agent_sdk")

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator

INIT = {"type": "system", "subtype": "init", "session_id": "s-1", "model": "claude-sonnet-5"}
SAID = {
    "type": "assistant",
    "session_id": "s-1",
    "message": {"model": "claude-sonnet-5", "content": [{"type": "text", "text": CANARY}]},
}
USAGE = {"input_tokens": 10, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20, "output_tokens": 7}


def result(total: float | None = 0.0125, **changes: Any) -> dict[str, Any]:
    counted = {"num_turns": 1, "duration_ms": 9, "duration_api_ms": 8, "usage": USAGE, "total_cost_usd": total}
    said = {"type": "result", "subtype": "success", "session_id": "s-1", "is_error": False, "result": CANARY}
    return {**said, **counted, **changes}


class Cli(sdk.Transport):  # type: ignore[name-defined,misc]
    """What the SDK reads of its CLI, without the process."""

    def __init__(self, *messages: dict[str, Any], error: Exception | None = None) -> None:
        self._messages = messages
        self._error = error
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def connect(self) -> None:
        """Nothing to connect to."""

    async def write(self, data: str) -> None:
        request = json.loads(data)
        if request.get("type") == "control_request":
            answer = {"subtype": "success", "request_id": request["request_id"], "response": {}}
            self._answers.put_nowait({"type": "control_response", "response": answer})

    async def read_messages(self) -> AsyncIterator[dict[str, Any]]:
        yield await self._answers.get()
        for message in self._messages:
            yield message
        if self._error is not None:
            raise self._error

    async def close(self) -> None:
        """Nothing to close."""

    def is_ready(self) -> bool:
        return True

    async def end_input(self) -> None:
        """Nothing to end."""


async def ask(cli: Cli, most: int = 99) -> list[Any]:
    heard = []
    messages = sdk.query(prompt=CANARY, transport=cli)
    async for message in messages:
        heard.append(message)
        if len(heard) == most:
            break
    await messages.aclose()
    return heard


def test_a_turn_is_structure_with_what_the_cli_reports(spans: Spans) -> None:
    *_, last = asyncio.run(ask(Cli(INIT, SAID, result())))
    assert type(last) is sdk.ResultMessage
    assert last.result == CANARY
    (turn,) = structure(spans)
    assert not bills(spans)
    assert turn.name == "invoke_agent claude"
    assert told(turn)[semconv.REQUEST_MODEL] == "claude-sonnet-5"
    assert told(turn)[semconv.CONVERSATION_ID] == "s-1"
    assert told(turn)[semconv.REPORTED_COST] == "0.0125"
    assert told(turn)[semconv.USAGE_INPUT_TOKENS] == 130
    assert told(turn)[semconv.USAGE_CACHE_READ] == 100
    assert told(turn)[semconv.USAGE_OUTPUT_TOKENS] == 7
    assert CANARY not in spans.text()


def test_a_running_total_is_told_turn_by_turn(spans: Spans) -> None:
    asyncio.run(ask(Cli(INIT, SAID, result(0.1), SAID, result(0.3), SAID, result(None))))
    assert [told(turn).get(semconv.REPORTED_COST) for turn in structure(spans)] == ["0.1", "0.2", None]


def test_a_failed_turn_tells_its_status(spans: Spans) -> None:
    asyncio.run(ask(Cli(INIT, SAID, result(is_error=True, api_error_status=529))))
    (turn,) = structure(spans)
    assert told(turn)[semconv.ERROR_TYPE] == "529"


def test_a_turn_left_early_ends_without_a_cost(spans: Spans) -> None:
    asyncio.run(ask(Cli(INIT, SAID, SAID, result()), most=2))
    (turn,) = structure(spans)
    assert semconv.REPORTED_COST not in told(turn)


def test_an_error_of_the_cli_is_the_same_and_told(spans: Spans) -> None:
    error = sdk.ProcessError(CANARY)
    with pytest.raises(sdk.ProcessError, match=CANARY) as raised:
        asyncio.run(ask(Cli(INIT, SAID, error=error)))
    assert raised.value is error
    (turn,) = structure(spans)
    assert told(turn)[semconv.ERROR_TYPE] == "ProcessError"
    assert CANARY not in spans.text()


def test_the_client_with_a_conversation_tells_each_turn(spans: Spans) -> None:
    async def talk() -> None:
        async with sdk.ClaudeSDKClient(transport=Cli(INIT, SAID, result())) as client:
            await client.query(CANARY)
            assert [type(message).__name__ async for message in client.receive_response()][-1] == "ResultMessage"

    asyncio.run(talk())
    (turn,) = structure(spans)
    assert told(turn)[semconv.REPORTED_COST] == "0.0125"


def test_the_real_cli_makes_requests_that_are_no_bills_of_ours(
    provider: Simulator, spans: Spans, tmp_path: Path
) -> None:
    quiet = ("DISABLE_TELEMETRY", "DISABLE_ERROR_REPORTING", "DISABLE_AUTOUPDATER")
    at = {"ANTHROPIC_BASE_URL": provider.url, "ANTHROPIC_API_KEY": "test", "CLAUDE_CONFIG_DIR": str(tmp_path)}
    env = {**at, **dict.fromkeys((*quiet, "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"), "1")}
    options = sdk.ClaudeAgentOptions(
        env=env, cwd=str(tmp_path), model="claude-sonnet-5", tools=[], max_turns=1, setting_sources=[]
    )

    async def talk() -> list[Any]:
        async with sdk.ClaudeSDKClient(options) as client:
            results = []
            for _ in range(2):
                await client.query(CANARY)
                results += [m async for m in client.receive_response() if isinstance(m, sdk.ResultMessage)]
            return results

    first, second = asyncio.run(talk())
    assert provider.requests
    assert not bills(spans)
    turns = [told(turn) for turn in structure(spans)]
    assert [turn[semconv.USAGE_OUTPUT_TOKENS] for turn in turns] == [r.usage["output_tokens"] for r in (first, second)]
    costs = [Decimal(turn[semconv.REPORTED_COST]) for turn in turns]
    assert costs[0] == Decimal(str(first.total_cost_usd))
    assert sum(costs) == Decimal(str(second.total_cost_usd))  # the CLI tells its running total
    assert CANARY not in spans.text()


def test_without_instrumentation_it_is_as_it_was(spans: Spans) -> None:
    from claude_agent_sdk._internal.query import Query

    spanledger.uninstrument()
    assert not hasattr(vars(Query)["receive_messages"], "_self_wrapper")
    asyncio.run(ask(Cli(INIT, SAID, result())))
    assert not spans.all
