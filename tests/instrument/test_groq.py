"""groq: OpenAI's shapes through an SDK of its own; usage of streams in `x_groq`; sound in and out; batches."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tests.instrument.test_openai_media import WAV
from tests.support.provider import QUESTION

from spanledger import semconv

groq = pytest.importorskip("groq")

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator

CHAT: Any = {"model": "llama-3.3-70b-versatile", "messages": QUESTION}
USAGE: Any = {
    "prompt_tokens": 1200,
    "completion_tokens": 150,
    "total_tokens": 1350,
    "prompt_tokens_details": {"cached_tokens": 1024},
    "completion_tokens_details": {"reasoning_tokens": 64},
}
SPEECH: Any = {"model": "playai-tts", "voice": "Fritz-PlayAI", "input": "Yellow."}


def client(provider: Simulator, **options: Any) -> Any:
    return groq.Groq(api_key="test", base_url=provider.base_urls["groq"], **options)


def client_async(provider: Simulator, **options: Any) -> Any:
    return groq.AsyncGroq(api_key="test", base_url=provider.base_urls["groq"], **options)


def bill(told: dict[str, Any]) -> tuple[Any, ...]:
    names = (semconv.USAGE_INPUT_TOKENS, semconv.USAGE_OUTPUT_TOKENS, semconv.USAGE_CACHE_READ, semconv.USAGE_REASONING)
    return (*[told.get(name) for name in names], told[semconv.USAGE_GRADE])


def test_a_call_is_measured(provider: Simulator, spans: Spans) -> None:
    provider.script([{"usage": USAGE}])
    reply = client(provider).chat.completions.create(**CHAT, max_completion_tokens=500)
    told = spans.one
    assert bill(told) == (1200, 150, 1024, 64, "measured")
    assert (told[semconv.PROVIDER_NAME], told[semconv.OPERATION_NAME]) == ("groq", "chat")
    assert (told[semconv.REQUEST_MAX_TOKENS], told[semconv.RESPONSE_ID]) == (500, reply.id)
    assert told[semconv.SERVICE_TIER] == "on_demand"
    assert told["spanledger.rate_limit.requests.limit"] > 0
    assert told[semconv.CODE_FILE] == __file__


def test_an_async_call_is_measured(provider: Simulator, spans: Spans) -> None:
    provider.script([{"usage": USAGE}])
    asyncio.run(client_async(provider).chat.completions.create(**CHAT))
    assert bill(spans.one) == (1200, 150, 1024, 64, "measured")


def test_a_stream_tells_its_usage_unasked(provider: Simulator, spans: Spans) -> None:
    provider.script([{"usage": USAGE}])
    stream = client(provider).chat.completions.create(**CHAT, stream=True)
    assert isinstance(stream, groq.Stream)
    said = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    told = spans.one
    assert bill(told) == (1200, 150, 1024, 64, "measured")
    assert told[semconv.OUTPUT_CHARS] == len(said) > 0
    assert told[semconv.RESPONSE_TIME_TO_FIRST_CHUNK] > 0


def test_an_async_stream_is_measured(provider: Simulator, spans: Spans) -> None:
    provider.script([{"usage": USAGE}])

    async def go() -> None:
        async for _ in await client_async(provider).chat.completions.create(**CHAT, stream=True):
            pass

    asyncio.run(go())
    assert bill(spans.one) == (1200, 150, 1024, 64, "measured")


def test_a_raw_stream_read_line_by_line_is_measured(provider: Simulator, spans: Spans) -> None:
    provider.script([{"usage": USAGE}])
    with client(provider).chat.completions.with_streaming_response.create(**CHAT, stream=True) as response:
        list(response.iter_lines())
    assert bill(spans.one) == (1200, 150, 1024, 64, "measured")


def test_attempts_are_told(provider: Simulator, spans: Spans) -> None:
    provider.script([{"status": 429, "headers": {"retry-after": "0.01"}}, {"usage": USAGE}])
    client(provider).chat.completions.create(**CHAT)
    assert list(spans.one[semconv.ATTEMPT_STATUSES]) == [429, 200]


def test_embeddings_count_their_input(provider: Simulator, spans: Spans) -> None:
    reply = client(provider).embeddings.create(model="nomic-embed-text-v1_5", input=["a colour", "a canary"])
    assert spans.one[semconv.USAGE_INPUT_TOKENS] == reply.usage.prompt_tokens
    assert spans.one[semconv.OPERATION_NAME] == "embeddings"


@pytest.mark.parametrize("name", ["transcriptions", "translations"])
def test_sound_heard_is_a_call_without_tokens(provider: Simulator, spans: Spans, name: str) -> None:
    audio = getattr(client(provider).audio, name)
    reply = audio.create(model="whisper-large-v3", file=("canary.wav", WAV))
    told = spans.one
    assert told[semconv.OUTPUT_CHARS] == len(reply.text)
    assert (told[semconv.OPERATION_NAME], told[semconv.USAGE_GRADE]) == ("transcription", "absent")


def test_the_length_of_the_sound_is_told_where_the_provider_tells_it(provider: Simulator, spans: Spans) -> None:
    client(provider).audio.transcriptions.create(
        model="whisper-large-v3", file=("canary.wav", WAV), response_format="verbose_json"
    )
    assert spans.one[semconv.BILLED_PREFIX + "audio_seconds"] == 2.0


@pytest.mark.parametrize("read", [lambda speech: speech.read(), lambda speech: list(speech.iter_bytes())])
def test_sound_made_is_the_applications(provider: Simulator, spans: Spans, read: Callable[[Any], Any]) -> None:
    assert read(client(provider).audio.speech.create(**SPEECH))
    told = spans.one
    assert (told[semconv.INPUT_CHARS], told[semconv.OUTPUT_TYPE]) == (len(SPEECH["input"]), "speech")
    assert (told[semconv.OUTCOME], told[semconv.USAGE_GRADE]) == ("ok", "absent")


def test_a_batch_handed_in_is_no_bill(provider: Simulator, spans: Spans) -> None:
    batch = client(provider).batches.create(
        completion_window="24h", endpoint="/v1/chat/completions", input_file_id="file-1"
    )
    told = spans.one
    assert (told[semconv.OPERATION_NAME], told[semconv.RESPONSE_ID]) == ("create_batch", batch.id)


def test_a_provider_error_is_the_sdks(provider: Simulator, spans: Spans) -> None:
    provider.script([{"status": 400}])
    with pytest.raises(groq.BadRequestError):
        client(provider, max_retries=0).chat.completions.create(**CHAT)
    assert (spans.one[semconv.ERROR_TYPE], spans.one[semconv.HTTP_STATUS]) == ("BadRequestError", 400)
