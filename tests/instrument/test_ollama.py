"""ollama: clients and module functions, plain and streamed, sync and async."""

from __future__ import annotations

import asyncio
import gc
import inspect
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from spanledger import semconv

ollama = pytest.importorskip("ollama")

if TYPE_CHECKING:
    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator

CHAT: Any = {"model": "llama3.2", "messages": [{"role": "user", "content": "What colour is it?"}]}
GENERATE: Any = {"model": "llama3.2", "prompt": "What colour is it?"}
KINDS = [pytest.param("chat", CHAT, id="chat"), pytest.param("generate", GENERATE, id="generate")]


def client(provider: Simulator, **options: Any) -> Any:
    return ollama.Client(host=provider.base_urls["ollama"], **options)


def async_client(provider: Simulator) -> Any:
    return ollama.AsyncClient(host=provider.base_urls["ollama"])


def outcome(spans: Spans) -> tuple[str, str]:
    return spans.one[semconv.OUTCOME], spans.one[semconv.USAGE_GRADE]


@pytest.mark.parametrize(("name", "request_"), KINDS)
def test_a_call_is_measured(provider: Simulator, spans: Spans, name: str, request_: Any) -> None:
    reply = getattr(client(provider), name)(**request_, options={"num_predict": 500})
    told = spans.one
    assert told[semconv.USAGE_INPUT_TOKENS] == reply.prompt_eval_count
    assert told[semconv.USAGE_OUTPUT_TOKENS] == reply.eval_count
    assert (told[semconv.PROVIDER_NAME], told[semconv.REQUEST_MAX_TOKENS]) == ("ollama", 500)
    assert (told[semconv.SERVER_ADDRESS], told[semconv.HTTP_STATUS]) == ("127.0.0.1", 200)
    assert list(told[semconv.RESPONSE_FINISH_REASONS]) == ["stop"]
    assert outcome(spans) == ("ok", "measured")


@pytest.mark.parametrize(("name", "request_"), KINDS)
def test_an_async_call_is_measured(provider: Simulator, spans: Spans, name: str, request_: Any) -> None:
    asyncio.run(getattr(async_client(provider), name)(**request_))
    assert outcome(spans) == ("ok", "measured")


def test_arguments_by_place_are_read(provider: Simulator, spans: Spans) -> None:
    client(provider).chat("llama3.2", CHAT["messages"])
    assert spans.one[semconv.REQUEST_MODEL] == "llama3.2"
    assert spans.one[semconv.INPUT_CHARS] == len("What colour is it?")


@pytest.mark.parametrize(("name", "request_"), KINDS)
def test_a_stream_is_a_generator_that_sends_when_read(
    provider: Simulator, spans: Spans, name: str, request_: Any
) -> None:
    stream = getattr(client(provider), name)(**request_, stream=True)
    assert inspect.isgenerator(stream)
    assert not provider.requests
    assert len(list(stream)) > 1
    assert spans.one[semconv.RESPONSE_TIME_TO_FIRST_CHUNK] > 0
    assert outcome(spans) == ("ok", "measured")


@pytest.mark.parametrize(("name", "request_"), KINDS)
def test_an_async_stream_is_an_async_generator(provider: Simulator, spans: Spans, name: str, request_: Any) -> None:
    async def go() -> None:
        stream = await getattr(async_client(provider), name)(**request_, stream=True)
        assert inspect.isasyncgen(stream)
        assert not provider.requests
        async for _ in stream:
            pass

    asyncio.run(go())
    assert outcome(spans) == ("ok", "measured")


def test_a_stream_never_read_is_no_call_and_one_left_is_abandoned(provider: Simulator, spans: Spans) -> None:
    client(provider).chat(**CHAT, stream=True)
    gc.collect()
    assert not spans.all
    for _ in client(provider).chat(**CHAT, stream=True):
        break
    gc.collect()
    assert outcome(spans) == ("abandoned", "absent")


def test_a_dropped_connection_is_an_error(provider: Simulator, spans: Spans) -> None:
    provider.script([{"drop_after_chunks": 2, "chunks": 10}])
    with pytest.raises(Exception) as caught:  # noqa: PT011 - httpx's own
        list(client(provider).chat(**CHAT, stream=True))
    assert spans.one[semconv.ERROR_TYPE] == type(caught.value).__name__


def test_a_cancelled_stream_is_cancelled(provider: Simulator, spans: Spans) -> None:
    provider.script([{"chunks": 400, "chunk_delay": 0.05}])

    async def go() -> None:
        async for _ in await async_client(provider).chat(**CHAT, stream=True):
            pass

    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(asyncio.wait_for(go(), 1.5))
    assert spans.one[semconv.OUTCOME] == "cancelled"


@pytest.mark.parametrize("stream", [False, True])
def test_a_provider_error_is_the_sdks(provider: Simulator, spans: Spans, *, stream: bool) -> None:
    provider.script([{"status": 404}])
    with pytest.raises(ollama.ResponseError):
        list(client(provider).chat(**CHAT, stream=stream))
    assert (spans.one[semconv.ERROR_TYPE], spans.one[semconv.HTTP_STATUS]) == ("ResponseError", 404)
    assert outcome(spans) == ("error", "absent")


def test_a_timeout_has_no_status(provider: Simulator, spans: Spans) -> None:
    provider.script([{"delay": 5}])
    with pytest.raises(Exception) as caught:  # noqa: PT011 - httpx's own
        client(provider, timeout=0.2).chat(**CHAT)
    assert spans.one[semconv.ERROR_TYPE] == type(caught.value).__name__ == "ReadTimeout"
    assert spans.one[semconv.REQUEST_TIMEOUT] == 0.2


def test_both_embeds_are_calls(provider: Simulator, spans: Spans) -> None:
    made = client(provider)
    made.embed("nomic-embed-text", ["one", "two"])
    assert outcome(spans) == ("ok", "measured")
    spans.clear()
    made.embeddings("nomic-embed-text", "one")
    assert spans.one[semconv.OPERATION_NAME] == "embeddings"
    assert outcome(spans) == ("ok", "absent")


PROGRAM = """
import sys
from tests.support.spans import Spans
{first}
import spanledger
kept = Spans()
spanledger.instrument(tracer_provider=kept.provider)
import ollama
ollama.chat(model="llama3.2", messages=[])
list(ollama.generate("llama3.2", "hello", stream=True))
print([span.name for span in kept.all])
spanledger.uninstrument()
ollama.chat(model="llama3.2", messages=[])
print(len(kept.all))
"""


@pytest.mark.parametrize("first", ["", "import ollama"], ids=["imported-after-us", "imported-before-us"])
def test_module_functions_are_recorded_once_whenever_they_were_bound(provider: Simulator, first: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(first=first)],
        capture_output=True, text=True, timeout=60, check=True, env={"OLLAMA_HOST": provider.base_urls["ollama"]},
    )  # fmt: skip
    assert done.stdout == "['chat llama3.2', 'text_completion llama3.2']\n2\n"
