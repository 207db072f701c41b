"""OpenAI's other endpoints: older completions, images, sound, moderations, batches; sync, async, raw and streamed."""

from __future__ import annotations

import asyncio
import io
import wave
from typing import TYPE_CHECKING, Any

import pytest

from spanledger import semconv

if TYPE_CHECKING:
    from tests.support.provider import Clients
    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator


def _wav(seconds: int) -> bytes:
    kept = io.BytesIO()
    with wave.open(kept, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16000 * seconds))
    return kept.getvalue()


WAV = _wav(2)
PNG = b"\x89PNG\r\n\x1a\n"
TEXT: Any = {"model": "gpt-3.5-turbo-instruct", "prompt": "The canary is", "max_tokens": 50}
IMAGE: Any = {"model": "gpt-image-1", "prompt": "A canary", "n": 2, "quality": "low"}
SPEECH: Any = {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": "Yellow."}
HEARD: Any = {"model": "gpt-4o-transcribe", "file": ("canary.wav", WAV)}
IMAGE_IN, IMAGE_OUT = (semconv.BILLED_PREFIX + name for name in ("image_input", "image_output"))
SECONDS, IMAGES = (semconv.BILLED_PREFIX + name for name in ("audio_seconds", "images"))
IMAGE_USAGE: Any = {
    "input_tokens": 60,
    "input_tokens_details": {"text_tokens": 10, "image_tokens": 50},
    "output_tokens": 544,
    "output_tokens_details": {"text_tokens": 0, "image_tokens": 544},
    "total_tokens": 604,
}


def named(told: dict[str, Any]) -> tuple[Any, ...]:
    return told[semconv.OPERATION_NAME], told[semconv.OUTCOME], told[semconv.USAGE_GRADE]


def test_an_older_completion_is_measured(clients: Clients, spans: Spans) -> None:
    reply = clients.openai.completions.create(**TEXT)
    told = spans.one
    assert named(told) == ("text_completion", "ok", "measured")
    assert reply.usage is not None
    assert told[semconv.USAGE_OUTPUT_TOKENS] == reply.usage.completion_tokens
    assert told[semconv.OUTPUT_CHARS] == len(reply.choices[0].text)
    assert told[semconv.INPUT_CHARS] == len(TEXT["prompt"])
    assert semconv.FINGERPRINT_REQUEST in told


def test_an_older_stream_is_measured_when_it_tells(clients: Clients, spans: Spans) -> None:
    stream = clients.openai.completions.create(**TEXT, stream=True, stream_options={"include_usage": True})
    said = "".join(choice.text for chunk in stream for choice in chunk.choices)
    assert named(spans.one) == ("text_completion", "ok", "measured")
    assert spans.one[semconv.OUTPUT_CHARS] == len(said)


def test_an_older_stream_without_usage_tells_its_length(clients: Clients, spans: Spans) -> None:
    async def go() -> int:
        stream = await clients.openai_async.completions.create(**TEXT, stream=True)
        return sum([len(choice.text) async for chunk in stream for choice in chunk.choices])

    said = asyncio.run(go())
    assert named(spans.one) == ("text_completion", "ok", "absent")
    assert spans.one[semconv.OUTPUT_CHARS] == said


def test_pictures_are_counted_in_tokens_of_their_kind(provider: Simulator, clients: Clients, spans: Spans) -> None:
    provider.script([{"usage": IMAGE_USAGE}])
    reply = clients.openai.images.generate(**IMAGE)
    assert reply.data is not None
    told = spans.one
    assert named(told) == ("image_generation", "ok", "measured")
    assert (told[semconv.USAGE_INPUT_TOKENS], told[semconv.USAGE_OUTPUT_TOKENS]) == (60, 544)
    assert told[IMAGE_IN] == 50
    assert (told[semconv.OUTPUT_TYPE], told[semconv.REQUEST_CHOICE_COUNT]) == ("image", 2)


def test_pictures_without_usage_are_counted(clients: Clients, spans: Spans) -> None:
    clients.openai.images.generate(model="dall-e-2", prompt="A canary", n=2)
    assert named(spans.one) == ("image_generation", "ok", "absent")
    assert spans.one[IMAGES] == 2


def test_streamed_pictures_are_measured(clients: Clients, spans: Spans) -> None:
    list(clients.openai.images.generate(model="gpt-image-1", prompt="A canary", stream=True, partial_images=2))
    assert named(spans.one) == ("image_generation", "ok", "measured")
    assert spans.one[semconv.USAGE_OUTPUT_TOKENS] > 0


def test_pictures_made_of_pictures_are_measured(clients: Clients, spans: Spans) -> None:
    clients.openai.images.edit(image=("canary.png", PNG), model="gpt-image-1", prompt="Bluer")
    assert named(spans.one) == ("image_generation", "ok", "measured")
    assert 0 < spans.one[IMAGE_IN] < spans.one[semconv.USAGE_INPUT_TOKENS]


@pytest.mark.filterwarnings("ignore:deprecated")
def test_variations_of_a_picture_are_counted(clients: Clients, spans: Spans) -> None:
    clients.openai.images.create_variation(image=("canary.png", PNG), n=3)
    assert named(spans.one) == ("image_generation", "ok", "absent")
    assert spans.one[IMAGES] == 3


def test_sound_heard_is_measured_in_tokens(clients: Clients, spans: Spans) -> None:
    reply = clients.openai.audio.transcriptions.create(**HEARD)
    told = spans.one
    assert named(told) == ("transcription", "ok", "measured")
    assert told[semconv.USAGE_INPUT_AUDIO] == told[semconv.USAGE_INPUT_TOKENS] == 20
    assert told[semconv.OUTPUT_CHARS] == len(reply.text)


def test_sound_heard_by_the_second_tells_the_seconds(clients: Clients, spans: Spans) -> None:
    clients.openai.audio.transcriptions.create(model="whisper-1", file=("canary.wav", WAV))
    assert named(spans.one) == ("transcription", "ok", "absent")
    assert spans.one[SECONDS] == 2.0


@pytest.mark.filterwarnings("ignore:deprecated")
def test_a_translation_is_a_transcription(clients: Clients, spans: Spans) -> None:
    reply = clients.openai.audio.translations.create(model="whisper-1", file=("canary.wav", WAV))
    assert named(spans.one) == ("transcription", "ok", "absent")
    assert spans.one[semconv.OUTPUT_CHARS] == len(reply.text)


def test_a_transcription_in_plain_text_tells_its_length(clients: Clients, spans: Spans) -> None:
    said = clients.openai.audio.transcriptions.create(**HEARD, response_format="text")
    assert isinstance(said, str)
    assert named(spans.one) == ("transcription", "ok", "absent")
    assert spans.one[semconv.OUTPUT_CHARS] == len(said)


def test_a_streamed_transcription_is_measured(clients: Clients, spans: Spans) -> None:
    async def go() -> None:
        async for _ in await clients.openai_async.audio.transcriptions.create(**HEARD, stream=True):
            pass

    asyncio.run(go())
    assert named(spans.one) == ("transcription", "ok", "measured")
    assert spans.one[semconv.OUTPUT_CHARS] > 0


def test_sound_made_is_the_applications(clients: Clients, spans: Spans) -> None:
    assert clients.openai.audio.speech.create(**SPEECH).content
    told = spans.one
    assert named(told) == ("speech", "ok", "absent")
    assert (told[semconv.INPUT_CHARS], told[semconv.OUTPUT_TYPE]) == (len(SPEECH["input"]), "speech")


def test_sound_read_as_it_comes_is_the_applications(clients: Clients, spans: Spans) -> None:
    with clients.openai.audio.speech.with_streaming_response.create(**SPEECH) as response:
        assert not spans.all
        assert sum(len(part) for part in response.iter_bytes()) > 0
    assert named(spans.one) == ("speech", "ok", "absent")


def test_sound_in_events_tells_its_usage_in_the_last(clients: Clients, spans: Spans) -> None:
    with clients.openai.audio.speech.with_streaming_response.create(**SPEECH, stream_format="sse") as response:
        assert any("speech.audio.done" in line for line in response.iter_lines())
    assert named(spans.one) == ("speech", "ok", "measured")
    assert spans.one[semconv.USAGE_OUTPUT_TOKENS] > 0


@pytest.mark.parametrize("raw", ["with_raw_response", "with_streaming_response"])
def test_a_raw_transcription_is_measured(clients: Clients, spans: Spans, raw: str) -> None:
    create = getattr(clients.openai.audio.transcriptions, raw).create
    if raw == "with_raw_response":
        create(**HEARD).parse()
    else:
        with create(**HEARD) as response:
            response.read()
    assert named(spans.one) == ("transcription", "ok", "measured")


def test_a_compaction_is_paid(clients: Clients, spans: Spans) -> None:
    if not hasattr(clients.openai.responses, "compact"):
        pytest.skip("this openai compacts nothing")
    reply = clients.openai.responses.compact(model="gpt-4.1", input="A long conversation")
    told = spans.one
    assert named(told) == ("chat", "ok", "measured")
    assert told[semconv.USAGE_OUTPUT_TOKENS] == reply.usage.output_tokens
    assert (told[semconv.RESPONSE_ID], told[semconv.REQUEST_MODEL]) == (reply.id, "gpt-4.1")


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_a_decision_is_a_call(clients: Clients, spans: Spans, *, asynchronous: bool) -> None:
    if not hasattr(clients.openai, "decisions"):
        pytest.skip("this openai decides nothing")
    asked: Any = {
        "model": "gpt-6-luna",
        "input": "A yellow bird",
        "questions": [{"type": "predicate", "question": "?"}],
    }
    client: Any = clients.openai_async if asynchronous else clients.openai
    reply = client.decisions.create(**asked)
    told = asyncio.run(_waited(reply)) if asynchronous else reply
    assert [answer.type for answer in told.answers] == ["predicate"]
    assert named(spans.one) == ("chat", "ok", "measured")
    assert spans.one[semconv.USAGE_INPUT_TOKENS] == told.usage.input_tokens
    assert spans.one[semconv.USAGE_OUTPUT_TOKENS] == told.usage.output_tokens
    assert spans.one[semconv.REQUEST_MODEL] == spans.one[semconv.RESPONSE_MODEL] == "gpt-6-luna"
    assert "yellow bird" not in spans.text()


async def _waited(reply: Any) -> Any:
    return await reply


def test_what_nobody_pays_for_is_told_apart(clients: Clients, spans: Spans) -> None:
    clients.openai.moderations.create(input="A canary")
    clients.openai.batches.create(completion_window="24h", endpoint="/v1/chat/completions", input_file_id="file-1")
    told = [dict(span.attributes or {}) for span in spans.all]
    assert [each[semconv.OPERATION_NAME] for each in told] == ["moderation", "create_batch"]
    assert {each[semconv.USAGE_GRADE] for each in told} == {"absent"}


def test_no_file_or_text_is_told(clients: Clients, spans: Spans) -> None:
    clients.openai.images.generate(**IMAGE)
    clients.openai.audio.speech.create(**SPEECH)
    clients.openai.audio.transcriptions.create(**HEARD, prompt="A canary speaks")
    assert not [word for word in ("A canary", "Yellow.", "speaks") if word in spans.text()]
