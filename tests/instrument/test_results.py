"""Work that no call waits for: each result of a batch and each response of the background is billed once, when read."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

import spanledger
from spanledger import _billing, semconv

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan
    from tests.support.provider import Clients
    from tests.support.spans import Spans

ASKED: Any = [{"role": "user", "content": "What is the canary's favourite colour?"}]
WORK: Any = {"model": "gpt-4.1", "input": "A canary, please", "background": True}
BODIES: Any = {
    "/v1/chat/completions": {"model": "gpt-4.1-mini", "messages": ASKED},
    "/v1/responses": {"model": "gpt-4.1-mini", "input": "A canary"},
    "/v1/embeddings": {"model": "text-embedding-3-small", "input": "A canary"},
    "/v1/completions": {"model": "gpt-3.5-turbo-instruct", "prompt": "A canary"},
}
MESSAGE: Any = {"model": "claude-sonnet-4-5", "max_tokens": 100, "messages": ASKED}


@pytest.fixture(autouse=True)
def _nothing_billed_yet() -> Iterator[None]:
    _billing._billed.clear()
    yield
    assert _billing.RESULTS.drain(30)


def bills(spans: Spans) -> list[ReadableSpan]:
    assert _billing.RESULTS.drain(30)
    kept = [span for span in spans.all if semconv.USAGE_INPUT_TOKENS in (span.attributes or {})]
    spans.clear()
    return kept


def tokens(span: ReadableSpan) -> tuple[Any, Any]:
    told = span.attributes or {}
    return told[semconv.USAGE_INPUT_TOKENS], told.get(semconv.USAGE_OUTPUT_TOKENS)


def openai_file(clients: Clients, endpoint: str, count: int = 3) -> str:
    """The file of the results of a batch."""
    lines = [{"custom_id": f"c{n}", "method": "POST", "url": endpoint, "body": BODIES[endpoint]} for n in range(count)]
    lines.append({"custom_id": "bad", "method": "POST", "url": endpoint, "body": {"model": "gpt-4.1-mini"}})
    content = "\n".join(map(json.dumps, lines)).encode()
    given = clients.openai.files.create(file=("asked.jsonl", content), purpose="batch")
    made: Any = {"input_file_id": given.id, "completion_window": "24h", "endpoint": endpoint}
    batch = clients.openai.batches.retrieve(clients.openai.batches.create(**made).id)
    assert batch.output_file_id
    assert batch.error_file_id
    return batch.output_file_id


def anthropic_batch(clients: Clients, *, beta: bool = False) -> str:
    messages: Any = clients.anthropic.beta.messages if beta else clients.anthropic.messages
    bad = {"custom_id": "bad", "params": {"model": "claude-sonnet-4-5", "messages": ASKED}}
    asked: Any = [{"custom_id": f"c{n}", "params": MESSAGE} for n in range(3)]
    made: str = messages.batches.create(requests=[*asked, bad]).id
    return made


@pytest.mark.parametrize(
    ("endpoint", "operation"),
    [
        ("/v1/chat/completions", "chat"),
        ("/v1/responses", "chat"),
        ("/v1/embeddings", "embeddings"),
        ("/v1/completions", "text_completion"),
    ],
)
def test_a_result_is_billed_as_batches_are(clients: Clients, spans: Spans, endpoint: str, operation: str) -> None:
    with spanledger.tag(feature="nightly"):
        content = clients.openai.files.content(openai_file(clients, endpoint))
    told = bills(spans)
    lines = [json.loads(line)["response"]["body"] for line in content.text.splitlines()]
    assert len(told) == len(lines) == 3
    for span, line in zip(told, lines, strict=True):
        said = span.attributes or {}
        assert tokens(span)[0] == line["usage"].get("prompt_tokens", line["usage"].get("input_tokens"))
        assert (said[semconv.OPERATION_NAME], said[semconv.SERVICE_TIER]) == (operation, "batch")
        assert (said[semconv.USAGE_GRADE], said[semconv.OUTCOME]) == ("measured", "ok")
        assert said[semconv.UNWAITED] is True
        assert said[semconv.RESPONSE_MODEL] == line["model"]
        assert said[semconv.TAG_PREFIX + "feature"] == "nightly"
        assert said[semconv.CODE_FILE] == __file__
        assert span.name == f"{operation} {line['model']}"


def test_a_file_is_the_same_bill_whoever_reads_it_again(clients: Clients, spans: Spans) -> None:
    file = openai_file(clients, "/v1/chat/completions")
    clients.openai.files.content(file)
    first = bills(spans)
    clients.openai.files.content(file)
    assert not bills(spans)
    _billing._billed.clear()  # another process
    clients.openai.files.content(file)
    again = bills(spans)
    assert [(span.context, span.start_time) for span in again] == [(span.context, span.start_time) for span in first]
    assert len({span.context.trace_id for span in first}) == 3


def test_no_id_of_ours_reaches_other_calls(clients: Clients, spans: Spans) -> None:
    clients.openai.files.content(openai_file(clients, "/v1/chat/completions"))
    known = {span.context.trace_id for span in bills(spans)}
    clients.openai.chat.completions.create(model="gpt-4.1", messages=ASKED)
    clients.openai.chat.completions.create(model="gpt-4.1", messages=ASKED)
    after = {span.context.trace_id for span in bills(spans)}
    assert len(after) == 2
    assert not known & after


@pytest.mark.parametrize("raw", ["with_raw_response", "with_streaming_response"])
def test_a_raw_file_is_billed_as_it_is_read(clients: Clients, spans: Spans, raw: str) -> None:
    file = openai_file(clients, "/v1/responses")
    content: Any = getattr(clients.openai.files, raw).content
    if raw == "with_raw_response":
        assert content(file).parse().text.count("\n") == 3
    else:
        with content(file) as response:
            assert not bills(spans)
            assert len(list(response.iter_lines())) == 3
    assert len(bills(spans)) == 3


def test_an_async_file_is_billed(clients: Clients, spans: Spans) -> None:
    async def go() -> int:
        file = openai_file(clients, "/v1/chat/completions")
        whole = (await clients.openai_async.files.content(file)).text
        async with clients.openai_async.files.with_streaming_response.content(file) as response:
            assert b"".join([part async for part in response.iter_bytes(100)]).decode() == whole
        return whole.count("\n")

    assert len(bills(spans)) == 0
    assert asyncio.run(go()) == 3
    assert len(bills(spans)) == 3


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n" * 9, b'{"messages": []}\n{"messages": []}\n', b"", b"\n\n"])
def test_another_file_is_none_of_our_business(clients: Clients, spans: Spans, content: bytes) -> None:
    file = clients.openai.files.create(file=("some.bin", content or b" "), purpose="batch")
    assert clients.openai.files.content(file.id).content == (content or b" ")
    with clients.openai.files.with_streaming_response.content(file.id) as response:
        assert response.read() == (content or b" ")
    assert not bills(spans)


@pytest.mark.parametrize("beta", [False, True])
def test_a_message_of_a_batch_is_billed_when_it_is_reached(clients: Clients, spans: Spans, *, beta: bool) -> None:
    batch = anthropic_batch(clients, beta=beta)
    messages: Any = clients.anthropic.beta.messages if beta else clients.anthropic.messages
    results = messages.batches.results(batch)
    assert type(results).__name__ == "JSONLDecoder"
    assert not bills(spans)
    first = next(results)
    (told,) = bills(spans)
    assert told.attributes
    assert told.attributes[semconv.RESPONSE_ID] == first.result.message.id
    assert told.attributes[semconv.SERVICE_TIER] == "batch"
    assert tokens(told) == (first.result.message.usage.input_tokens, first.result.message.usage.output_tokens)
    assert [line.result.type for line in results] == ["succeeded", "succeeded", "errored"]
    assert len(bills(spans)) == 2


def test_a_batchs_messages_are_of_when_it_ended(clients: Clients, spans: Spans) -> None:
    batch = anthropic_batch(clients)
    ended = clients.anthropic.messages.batches.retrieve(batch).ended_at
    list(clients.anthropic.messages.batches.results(batch))
    first = bills(spans)
    _billing._billed.clear()  # another process
    list(clients.anthropic.messages.batches.results(batch))
    again = bills(spans)
    assert ended is not None
    assert {(span.start_time or 0) // 1_000_000 for span in first} == {int(ended.timestamp() * 1000)}
    assert [(span.context, span.start_time) for span in again] == [(span.context, span.start_time) for span in first]


def test_async_and_raw_results_are_billed(clients: Clients, spans: Spans) -> None:
    batch = anthropic_batch(clients)

    async def go() -> int:
        return len([line async for line in await clients.anthropic_async.messages.batches.results(batch)])

    assert asyncio.run(go()) == 4
    assert len(bills(spans)) == 3
    batches: Any = clients.anthropic.messages.batches
    if not hasattr(batches.with_raw_response, "results"):
        return  # this anthropic has none raw
    _billing._billed.clear()
    assert len(list(batches.with_raw_response.results(batch).parse())) == 4
    assert len(bills(spans)) == 3
    _billing._billed.clear()
    with clients.anthropic.messages.batches.with_streaming_response.results(batch) as response:
        assert len(list(response.iter_lines())) == 4
    assert len(bills(spans)) == 3


def test_background_work_is_billed_when_it_is_done(clients: Clients, spans: Spans) -> None:
    started = clients.openai.responses.create(**WORK)
    assert started.status == "queued"
    (begun,) = spans.all
    assert begun.attributes
    assert begun.attributes[semconv.OPERATION_NAME] == "create_response"
    assert begun.attributes[semconv.USAGE_GRADE] == "absent"
    assert clients.openai.responses.retrieve(started.id).status == "in_progress"
    assert not bills(spans)
    done = clients.openai.responses.retrieve(started.id)
    (told,) = bills(spans)
    assert done.usage
    assert told.attributes
    assert tokens(told) == (done.usage.input_tokens, done.usage.output_tokens)
    assert told.attributes[semconv.OPERATION_NAME] == "chat"
    assert told.attributes[semconv.RESPONSE_ID] == started.id
    assert semconv.FINGERPRINT_REQUEST not in told.attributes
    clients.openai.responses.retrieve(started.id)
    assert not bills(spans)


def test_a_stream_of_background_work_is_its_bill(clients: Clients, spans: Spans) -> None:
    events = list(clients.openai.responses.create(**WORK, stream=True))
    last: Any = events[-1]
    assert _billing.RESULTS.drain(30)
    started, told = sorted(spans.all, key=lambda span: semconv.USAGE_INPUT_TOKENS in (span.attributes or {}))
    assert [tokens(span) for span in bills(spans)] == [
        (last.response.usage.input_tokens, last.response.usage.output_tokens)
    ]
    assert started.attributes
    assert told.attributes
    assert started.attributes[semconv.OPERATION_NAME] == "create_response"
    assert started.attributes[semconv.RESPONSE_ID] == told.attributes[semconv.RESPONSE_ID] == last.response.id
    assert told.links[0].context.span_id == started.context.span_id
    clients.openai.responses.retrieve(last.response.id)
    clients.openai.responses.retrieve(last.response.id)
    assert not bills(spans)


def test_a_stream_left_early_is_billed_when_it_is_taken_up(clients: Clients, spans: Spans) -> None:
    stream = clients.openai.responses.create(**WORK, stream=True)
    first: Any = next(iter(stream))
    stream.close()
    assert not bills(spans)
    events = list(clients.openai.responses.retrieve(first.response.id, stream=True))
    assert type(events[-1]).__name__ == "ResponseCompletedEvent"
    assert len(bills(spans)) == 1


def test_background_work_is_billed_however_it_is_read(clients: Clients, spans: Spans) -> None:
    started = clients.openai.responses.create(**WORK).id
    clients.openai.responses.retrieve(started)
    spans.clear()

    async def go() -> None:
        assert (await clients.openai_async.responses.retrieve(started)).usage

    asyncio.run(go())
    expected = [(span.context, tokens(span)) for span in bills(spans)]
    assert len(expected) == 1
    _billing._billed.clear()
    clients.openai.responses.with_raw_response.retrieve(started).parse()
    assert [(span.context, tokens(span)) for span in bills(spans)] == expected
    _billing._billed.clear()
    with clients.openai.responses.with_streaming_response.retrieve(started) as response:
        response.parse()
    assert [(span.context, tokens(span)) for span in bills(spans)] == expected
    _billing._billed.clear()
    with clients.openai.responses.with_streaming_response.retrieve(started, stream=True) as response:
        assert "response.completed" in response.read().decode()
    assert [(span.context, tokens(span)) for span in bills(spans)] == expected


def test_a_stored_response_that_a_call_waited_for_is_billed_with_it(clients: Clients, spans: Spans) -> None:
    clients.openai.responses.create(model="gpt-4.1", input="A canary, please")
    assert len(bills(spans)) == 1


def test_what_is_ignored_is_not_billed(clients: Clients, spans: Spans) -> None:
    file = openai_file(clients, "/v1/chat/completions")
    with spanledger.ignore():
        clients.openai.files.content(file)
    assert not bills(spans)


def test_nothing_that_was_said_is_told(clients: Clients, spans: Spans) -> None:
    content = clients.openai.files.content(openai_file(clients, "/v1/chat/completions"))
    said = json.loads(content.text.splitlines()[0])["response"]["body"]["choices"][0]["message"]["content"]
    assert _billing.RESULTS.drain(30)
    assert said not in spans.text()
    assert "canary" not in spans.text().replace("test_results", "")


def test_what_is_remembered_is_bounded(clients: Clients, spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_billing, "_MOST", 2)
    clients.openai.files.content(openai_file(clients, "/v1/chat/completions"))
    assert len(bills(spans)) == 3
    assert len(_billing._billed) == 2
