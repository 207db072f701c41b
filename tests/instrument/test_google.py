"""google-genai, Gemini and Vertex AI: a span for every billed turn, whatever loops over them."""

from __future__ import annotations

import asyncio
import gc
import inspect
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from spanledger import semconv

genai = pytest.importorskip("google.genai")

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator

MODEL = "gemini-2.5-flash"
QUESTION: Any = {"model": MODEL, "contents": "What is the canary's favourite colour?"}
USAGE = {
    "promptTokenCount": 100,
    "cachedContentTokenCount": 40,
    "candidatesTokenCount": 20,
    "thoughtsTokenCount": 7,
    "toolUsePromptTokenCount": 5,
}
RETRIES = {"attempts": 3, "initial_delay": 0.01, "max_delay": 0.01}


def client(provider: Simulator, **options: Any) -> Any:
    return genai.Client(api_key="test", http_options={"base_url": provider.base_urls["gemini"], **options})


def outcome(spans: Spans) -> tuple[str, str]:
    return spans.one[semconv.OUTCOME], spans.one[semconv.USAGE_GRADE]


def tokens(told: dict[str, Any]) -> list[int]:
    keys = (
        semconv.USAGE_INPUT_TOKENS,
        semconv.USAGE_CACHE_READ,
        semconv.USAGE_OUTPUT_TOKENS,
        semconv.USAGE_REASONING,
    )
    return [told[key] for key in keys]


def plain(made: Any, **more: Any) -> Any:
    return made.models.generate_content(**QUESTION, **more)


def plain_async(made: Any, **more: Any) -> Any:
    return asyncio.run(made.aio.models.generate_content(**QUESTION, **more))


def streamed(made: Any, **more: Any) -> Any:
    return list(made.models.generate_content_stream(**QUESTION, **more))[-1]


def streamed_async(made: Any, **more: Any) -> Any:
    async def go() -> Any:
        return [chunk async for chunk in await made.aio.models.generate_content_stream(**QUESTION, **more)][-1]

    return asyncio.run(go())


WAYS = [plain, plain_async, streamed, streamed_async]


@pytest.mark.parametrize("way", WAYS)
def test_thoughts_are_output_and_what_tools_fetched_is_input(
    provider: Simulator, spans: Spans, way: Callable[..., Any]
) -> None:
    provider.script([{"usage": USAGE}])
    reply = way(client(provider))
    told = spans.one
    assert tokens(told) == [105, 40, 27, 7]
    assert told[semconv.PROVIDER_NAME] == "gcp.gemini"
    assert told[semconv.OPERATION_NAME] == "generate_content"
    assert told[semconv.RESPONSE_ID] == reply.response_id
    assert told[semconv.RESPONSE_MODEL] == told[semconv.REQUEST_MODEL] == MODEL
    assert list(told[semconv.RESPONSE_FINISH_REASONS]) == ["STOP"]
    assert told[semconv.SERVER_ADDRESS] == "127.0.0.1"
    assert outcome(spans) == ("ok", "measured")
    assert told[semconv.CODE_FILE] == __file__


@pytest.mark.parametrize("way", WAYS)
def test_a_provider_error_is_the_sdks(provider: Simulator, spans: Spans, way: Callable[..., Any]) -> None:
    provider.script([{"status": 400}])
    with pytest.raises(genai.errors.ClientError):
        way(client(provider))
    told = spans.one
    assert (told[semconv.ERROR_TYPE], told[semconv.HTTP_STATUS]) == ("ClientError", 400)
    assert outcome(spans) == ("error", "absent")


@pytest.mark.parametrize("way", WAYS)
def test_every_attempt_is_told(provider: Simulator, spans: Spans, way: Callable[..., Any]) -> None:
    provider.script([{"status": 429, "headers": {"retry-after": "1"}}, {"status": 503}])
    way(client(provider, retry_options=RETRIES))
    told = spans.one
    assert told[semconv.ATTEMPT_STATUSES] == (429, 503, 200)
    assert told[semconv.ATTEMPT_RETRY_AFTERS] == (1.0, -1.0, -1.0)
    assert told[semconv.ATTEMPT_WAITS][2] == 0 < told[semconv.ATTEMPT_WAITS][0]
    assert told[semconv.REQUEST_MAX_RETRIES] == 2


def test_a_call_that_gave_up_tells_its_last_status(provider: Simulator, spans: Spans) -> None:
    provider.script([{"status": 503}] * 3)
    with pytest.raises(genai.errors.ServerError):
        plain(client(provider), config={"http_options": {"retry_options": RETRIES}})
    assert spans.one[semconv.ATTEMPT_STATUSES] == (503, 503, 503)
    assert spans.one[semconv.HTTP_STATUS] == 503


def test_a_timeout_has_no_status(provider: Simulator, spans: Spans) -> None:
    provider.script([{"delay": 5}])
    with pytest.raises(Exception) as caught:  # noqa: PT011 - httpx's or httpx2's, by the version
        plain(client(provider, timeout=200))
    told = spans.one
    assert told[semconv.ERROR_TYPE] == type(caught.value).__name__ == "ReadTimeout"
    assert told[semconv.REQUEST_TIMEOUT] == 0.2
    assert semconv.HTTP_STATUS not in told


@pytest.mark.parametrize("way", [streamed, streamed_async])
def test_a_dropped_connection_is_an_error(provider: Simulator, spans: Spans, way: Callable[..., Any]) -> None:
    provider.script([{"drop_after_chunks": 2, "chunks": 10}])
    with pytest.raises(Exception) as caught:  # noqa: PT011 - httpx's or httpx2's, by the version
        way(client(provider))
    assert spans.one[semconv.ERROR_TYPE] == type(caught.value).__name__
    assert outcome(spans) == ("error", "partial")


def test_streams_are_generators_as_without_us(provider: Simulator, spans: Spans) -> None:
    models = client(provider).models
    ours = models._generate_content_stream(**QUESTION)
    theirs = type(models)._generate_content_stream.__wrapped__(models, **QUESTION)
    assert inspect.isgenerator(ours)
    assert (ours.__name__, ours.__qualname__) == (theirs.__name__, theirs.__qualname__)
    assert inspect.getgeneratorstate(ours) == inspect.GEN_CREATED


def test_nothing_is_sent_and_no_span_made_before_the_first_piece(provider: Simulator, spans: Spans) -> None:
    stream = client(provider).models.generate_content_stream(**QUESTION)
    assert not provider.requests
    del stream
    gc.collect()
    assert not spans.all


def test_a_stream_left_early_is_abandoned_at_once(provider: Simulator, spans: Spans) -> None:
    made = client(provider)
    for _ in made.models.generate_content_stream(**QUESTION):
        break
    gc.collect()
    assert outcome(spans) == ("abandoned", "partial")
    assert spans.one[semconv.USAGE_INPUT_TOKENS] > 0


def test_a_closed_stream_is_abandoned_at_once(provider: Simulator, spans: Spans) -> None:
    made = client(provider)
    stream = made.models.generate_content_stream(**QUESTION)
    next(stream)
    stream.close()
    assert outcome(spans) == ("abandoned", "partial")


def test_an_async_stream_closed_is_abandoned_at_once(provider: Simulator, spans: Spans) -> None:
    async def go() -> None:
        made = client(provider)
        stream = await made.aio.models._generate_content_stream(**QUESTION)
        assert inspect.isasyncgen(stream)
        await anext(stream)
        await stream.aclose()

    asyncio.run(go())
    assert spans.one[semconv.OUTCOME] == "abandoned"


def test_a_cancelled_stream_is_cancelled(provider: Simulator, spans: Spans) -> None:
    provider.script([{"chunks": 50, "chunk_delay": 0.05}])

    async def read(made: Any, started: asyncio.Event) -> None:
        async for _ in await made.aio.models.generate_content_stream(**QUESTION):
            started.set()

    async def go() -> None:
        made, started = client(provider), asyncio.Event()
        task = asyncio.create_task(read(made, started))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(go())
    assert outcome(spans) == ("cancelled", "partial")


class Bird(BaseModel):
    name: str
    age: int


JSON = {"response_mime_type": "application/json", "response_schema": Bird}


@pytest.mark.parametrize(("text", "expected"), [('{"name": "Tweety", "age": 3}', "ok"), ('{"name": 3}', "failed")])
@pytest.mark.parametrize("way", [plain, plain_async])
def test_a_validation_the_sdk_swallowed_is_told(
    provider: Simulator, spans: Spans, way: Callable[..., Any], text: str, expected: str
) -> None:
    provider.script([{"text": text}])
    reply = way(client(provider), config=JSON)
    assert (reply.parsed is None) is (expected == "failed")
    assert spans.one[semconv.VALIDATION_OUTCOME] == expected
    assert spans.one[semconv.VALIDATION_SCHEMA] == "Bird"
    assert outcome(spans) == ("ok", "measured")


def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


@pytest.mark.parametrize("way", WAYS)
def test_every_turn_of_function_calling_is_one_call(provider: Simulator, spans: Spans, way: Callable[..., Any]) -> None:
    provider.script([{"tool": {"name": "weather", "arguments": {"city": "Oslo"}}}, {"text": "It is sunny."}])
    way(client(provider), config={"tools": [weather]})
    billed = [span for span in spans.all if span.kind.name == "CLIENT"]
    assert len(billed) == len(provider.requests)  # in 2.0, streams leave the second turn to the application
    assert len({(span.attributes or {})[semconv.RESPONSE_ID] for span in billed}) == len(billed)
    assert way in (streamed, streamed_async) or len(billed) == 2


def test_a_chat_bills_each_message_once(provider: Simulator, spans: Spans) -> None:
    made = client(provider)
    chat = made.chats.create(model=MODEL)
    chat.send_message("hello")
    list(chat.send_message_stream("and again"))
    assert len(spans.all) == len(provider.requests) == 2


def test_vertex_is_told_by_the_client(provider: Simulator, spans: Spans) -> None:
    made = genai.Client(vertexai=True, api_key="test", http_options={"base_url": provider.base_urls["vertex"]})
    plain(made)
    assert spans.one[semconv.PROVIDER_NAME] == "gcp.vertex_ai"


def test_embeddings_are_calls(provider: Simulator, spans: Spans) -> None:
    made = client(provider)
    made.models.embed_content(model="gemini-embedding-001", contents=["one", "three"])
    told = spans.one
    assert told[semconv.OPERATION_NAME] == "embeddings"
    assert told[semconv.INPUT_CHARS] == 8


def test_nothing_stays_current(provider: Simulator, spans: Spans) -> None:
    from spanledger._call import current

    made = client(provider)
    stream = made.models.generate_content_stream(**QUESTION)
    next(stream)
    assert current.get() is None
    stream.close()


def test_pictures_are_counted(provider: Simulator, spans: Spans) -> None:
    picture = {"bytesBase64Encoded": "iVBORw0KGgo=", "mimeType": "image/png"}
    provider.script([{"body": {"predictions": [picture, picture]}}])
    made = genai.Client(vertexai=True, api_key="test", http_options={"base_url": provider.base_urls["vertex"]})
    made.models.generate_images(model="imagen-4.0-generate-001", prompt="A canary", config={"number_of_images": 2})
    told = spans.one
    assert (told[semconv.OPERATION_NAME], told[semconv.USAGE_GRADE]) == ("image_generation", "absent")
    assert told[semconv.BILLED_PREFIX + "images"] == told[semconv.REQUEST_CHOICE_COUNT] == 2
    assert "A canary" not in spans.text()
