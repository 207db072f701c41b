"""Each function of ours made to raise, in turn, under everything an application does: it does not notice."""

from __future__ import annotations

import asyncio
import inspect
import json
from contextvars import copy_context
from importlib import import_module
from types import FunctionType
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel
from tests.instrument.test_calls import CHAT, MESSAGE, method
from tests.instrument.test_results import WORK, anthropic_batch, openai_file
from tests.instrument.test_streams import WITH_USAGE
from tests.support.provider import OPENAI_MAJOR

import spanledger
from spanledger import _billing, _guard, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.provider import Clients
    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator

MODULES = (
    "_attempts", "_billing", "_bodies", "_call", "_callsite", "_client", "_content", "_fingerprint", "_headers",
    "_judged", "_logical", "_metrics", "_native", "_observe", "_patch", "_prefix", "_replies", "_results", "_setup",
    "_streams", "_tags", "_validation",
)  # fmt: skip
# What stands between the application and its SDK: it holds the guard and has nothing of its own that could fail.
BOUNDARY = {
    "_patch": {"unseen", "_owner_of", "target_patch", "_awaited", "_awaited_unsent", "_unsent", "_handed_on", "Patch.",
               "_Recorded.__init__", "_Recorded.around", "_Recorded.around_async", "_Recorded.around_lazy",
               "_Recorded.around_manager", "_Recorded.around_results"},
    "_observe": {"observations", "_around", "_native", "_waiting", "_waiting_async", "_wait", "_attempted",
                 "_attempted_async", "_attempt", "_passing"},
    "_streams": {"Watched.__iter__", "Watched.__aiter__", "Watched.__next__", "Watched.__anext__", "Watched.close",
                 "Watched.aclose", "Unasked.__next__", "Unasked.__anext__", "relayed", "_relay", "_interrupted",
                 "_relay_async", "_interrupted_async", "_telling", "_unread", "Watched.start", "Watched.interrupted",
                 "Watched._give_up", "Watched.closed", "Watched.__del__"},
    "_bodies": {"_Listener._sync", "_Listener._async", "_Listener._end", "_Listener._reached", "_Listener._closed",
                "_Listener._heard"},
    "_native": {"opened", "NativeSpan."},
    "_results": {"around", "_awaited", "_Pieces."},
    "_billing": {"_settle", "_after_fork"},
    "_replies": {"_validating", "_patches", "_PlainPatch."},
    "_judged": {"validation", "fallback"},
    "_tags": {"_Scoped.", "_Steps.", "tag.", "ignore.", "scope.", "as_attributes", "set_everywhere", "_carry"},
    "_setup": {"use_provider", "use_endpoint", "use", "_leave", "_finish", "_after_fork", "_at_exit",
               "_at_exit_of_child", "_own"},
    "_fingerprint": {"set_key"},
}  # fmt: skip


def functions() -> Iterator[tuple[str, FunctionType]]:
    for name in MODULES:
        module = import_module(f"spanledger.{name}")
        for value in vars(module).values():
            if getattr(value, "__module__", "") != module.__name__:
                continue
            found = [value] if isinstance(value, FunctionType) else []
            if isinstance(value, type):
                found = [v.fget if isinstance(v, property) else v for v in vars(value).values()]
            for function in found:
                own = isinstance(function, FunctionType) and not function.__code__.co_freevars
                boundary = BOUNDARY.get(name, set())
                if own and not any(
                    function.__qualname__ == each or (each.endswith(".") and function.__qualname__.startswith(each))
                    for each in boundary
                ):
                    yield f"{name}.{function.__qualname__}", function


pytestmark = pytest.mark.skipif(OPENAI_MAJOR < 3, reason="our own code breaks the same under every SDK")
OURS = [pytest.param(function, id=name) for name, function in functions() if not inspect.isasyncgenfunction(function)]


class Colour(BaseModel):
    name: str


def raises(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError


def use(provider: Simulator, clients: Clients) -> None:
    provider.script([{"status": 500, "headers": {"retry-after-ms": "1"}}])
    assert len(list(clients.openai.chat.completions.create(**WITH_USAGE, stream=True))) > 1
    with clients.openai.chat.completions.with_streaming_response.create(**CHAT) as response:
        assert json.loads(b"".join(response.iter_bytes()))
    provider.script([{"text": '{"name": "red"}'}])
    reply = clients.openai.chat.completions.parse(**CHAT, response_format=Colour).choices[0].message
    assert reply.parsed == Colour(name="red") == Colour.model_validate_json(reply.content or "")
    spanledger.validation("brightness", ok=False, fields=["name"])
    asyncio.run(use_async(clients))


def use_results(_provider: Simulator, clients: Clients) -> None:
    _billing._billed.clear()
    file = openai_file(clients, "/v1/chat/completions")
    assert clients.openai.files.content(file).text.count("\n") == 3
    with clients.openai.files.with_streaming_response.content(file) as response:
        assert len(list(response.iter_lines())) == 3
    assert len(list(clients.anthropic.messages.batches.results(anthropic_batch(clients)))) == 4
    started = clients.openai.responses.create(**WORK).id
    assert clients.openai.responses.retrieve(started).status == "in_progress"
    assert clients.openai.responses.with_raw_response.retrieve(started).parse().status == "completed"
    assert asyncio.run(clients.openai_async.responses.retrieve(started)).usage
    assert _billing.RESULTS.drain(30)


async def use_async(clients: Clients) -> None:
    with spanledger.tag(feature="f"):
        async with method(clients, "messages", "stream", asynchronous=True)(**MESSAGE) as stream:
            assert (await stream.get_final_message()).id


@pytest.mark.parametrize("ours", OURS)
def test_a_function_of_ours_that_raises_is_not_noticed(
    provider: Simulator,
    clients: Clients,
    spans_despite_faults: Spans,
    monkeypatch: pytest.MonkeyPatch,
    ours: FunctionType,
) -> None:
    monkeypatch.setenv(settings.CONTENT, "true")
    spanledger.instrument(tracer_provider=spans_despite_faults.provider)
    monkeypatch.setattr(ours, "__code__", raises.__code__)
    used = use_results if ours.__module__.endswith(("_results", "_billing")) else use
    copy_context().run(used, provider, clients)  # where leaving a context fails, it is left in that state
    assert spans_despite_faults.all is not None  # what waits for our thread fails there, and the thread lives on


def test_the_faults_were_ours_and_are_counted(
    provider: Simulator, clients: Clients, spans_despite_faults: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above could not fail if its functions were never called: most are, and say so."""
    counted = 0
    for param in OURS[::4]:
        ours: Any = param.values[0]
        _guard.faults.clear()
        with monkeypatch.context() as broken:
            broken.setattr(ours, "__code__", raises.__code__)
            copy_context().run(clients.openai.chat.completions.create, **CHAT)
            assert spans_despite_faults.all is not None
        counted += any("ZeroDivisionError" in fault for fault in _guard.faults)
    assert counted > 10
