"""The installed openai SDK works against the remaining endpoints, Azure's paths and servers with other habits."""

from __future__ import annotations

import base64
import io
import wave
from typing import Any

import openai
import pytest

pytestmark = pytest.mark.sdk
QUESTION: Any = [{"role": "user", "content": "Where is order 1042?"}]
USAGE = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}


@pytest.fixture
def client(simulator):
    with openai.OpenAI(base_url=simulator.base_urls["openai"], api_key="sk-test", max_retries=0) as client:
        yield client


def compatible(simulator, habit):
    return openai.OpenAI(base_url=simulator.base_urls[f"compatible-{habit}"], api_key="none", max_retries=0)


def azure(simulator):
    url = simulator.base_urls["azure"]
    return openai.AzureOpenAI(azure_endpoint=url, api_key="key", api_version="2024-10-21", max_retries=0)


def chat(client, **changes):
    return client.chat.completions.create(**{"model": "gpt-4.1", "messages": QUESTION, **changes})


def sound(seconds):
    file = io.BytesIO()
    with wave.open(file, "wb") as made:
        made.setparams((1, 2, 8000, 0, "NONE", ""))
        made.writeframes(bytes(16_000 * seconds))
    return "question.wav", file.getvalue()


def test_a_text_is_continued_plain_and_streamed(client):
    asked: Any = {"model": "gpt-3.5-turbo-instruct", "prompt": "Once upon", "max_tokens": 30}
    plain = client.completions.create(**asked)
    chunks = list(client.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].text for chunk in chunks[:-1]) == plain.choices[0].text
    assert chunks[-1].usage == plain.usage
    assert plain.usage.completion_tokens == 30


def test_a_picture_is_counted_in_tokens(client):
    reply = client.images.generate(model="gpt-image-1", prompt="a canary", n=2, quality="low")
    assert base64.b64decode(reply.data[1].b64_json).startswith(b"\x89PNG")
    assert (reply.usage.output_tokens, reply.usage.input_tokens_details.image_tokens) == (544, 0)


def test_an_older_picture_has_no_usage(client):
    assert client.images.generate(model="dall-e-3", prompt="a canary").usage is None


def test_a_transcription_is_counted_in_tokens_or_seconds(client):
    by_token = client.audio.transcriptions.create(model="gpt-4o-transcribe", file=sound(3))
    by_second = client.audio.transcriptions.create(model="whisper-1", file=sound(3))
    assert (by_token.usage.type, by_token.usage.input_token_details.audio_tokens) == ("tokens", 30)
    assert (by_second.usage.type, by_second.usage.seconds) == ("duration", 3)


def test_a_streamed_transcription_ends_with_its_usage(client, simulator):
    simulator.script([{"text": "Hello there, canary.", "usage": {"type": "tokens", **USAGE}}])
    events = list(client.audio.transcriptions.create(model="gpt-4o-transcribe", file=sound(1), stream=True))
    assert "".join(event.delta for event in events[:-1]) == events[-1].text == "Hello there, canary."
    assert events[-1].usage.total_tokens == 7


def test_speech_comes_as_sound(client):
    reply = client.audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input="Hello " * 10)
    assert reply.content.startswith(b"\xff\xfb")
    assert reply.response.headers["content-type"] == "audio/mpeg"


def test_dropped_speech_breaks_in_the_callers_hands(client, simulator):
    simulator.script([{"chunks": 5, "drop_after_chunks": 2}])
    with pytest.raises(Exception, match=r"incomplete|Connection error"):
        client.audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input="Hello")


def test_moderations_and_batches_are_free(client):
    assert client.moderations.create(input=["a", "b"]).results[1].flagged is False
    batch = client.batches.create(input_file_id="file-1", endpoint="/v1/chat/completions", completion_window="24h")
    assert batch.status == "validating"


def test_azure_answers_as_the_model_behind_the_deployment(simulator):
    client = azure(simulator)
    assert chat(client, model="our-desk").model.startswith("gpt-4.1-")
    assert simulator.requests[0].path == "/openai/deployments/our-desk/chat/completions"
    simulator.script([{"status": 429}])
    with pytest.raises(openai.RateLimitError):
        chat(client, model="our-desk")


def test_an_azure_stream_begins_without_choices(simulator):
    chunks = list(chat(azure(simulator), stream=True, stream_options={"include_usage": True}))
    assert (chunks[0].choices, chunks[0].model) == ([], "")
    assert chunks[-1].usage.total_tokens > 0


def test_azure_embeds_and_responds(simulator):
    client = azure(simulator)
    assert client.embeddings.create(model="text-embedding-3-small", input="refund").usage.prompt_tokens == 2
    assert client.responses.create(model="gpt-4.1", input="Where is order 1042?").usage.total_tokens > 0


@pytest.mark.parametrize("habit", ["without-usage", "null-usage"])
def test_a_server_may_tell_no_usage(simulator, habit):
    client = compatible(simulator, habit)
    chunks = list(chat(client, stream=True, stream_options={"include_usage": True}))
    assert chat(client).usage is None
    assert not any(chunk.usage for chunk in chunks)


def test_a_server_may_tell_usage_on_every_chunk(simulator):
    client = compatible(simulator, "running-usage")
    told = [chunk.usage.completion_tokens for chunk in chat(client, stream=True)]
    assert told == sorted(told)
    assert told[-1] == chat(client).usage.completion_tokens > told[0]


def test_a_server_may_tell_usage_beside_the_last_choice(simulator):
    client = compatible(simulator, "usage-with-choices")
    *others, last = chat(client, stream=True)
    assert last.choices[0].finish_reason == "stop"
    assert last.usage.total_tokens == chat(client).usage.total_tokens
    assert not any(chunk.usage for chunk in others)


def test_a_server_may_leave_out_the_id(simulator):
    client = compatible(simulator, "without-id")
    assert [getattr(reply, "id", None) for reply in (chat(client), *chat(client, stream=True))][:2] == [None, None]


def test_a_server_may_end_a_stream_without_saying_so(simulator):
    chunks = list(chat(compatible(simulator, "without-done"), stream=True))
    assert chunks[-1].choices[0].finish_reason == "stop"
