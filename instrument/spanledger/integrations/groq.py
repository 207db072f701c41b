"""groq >= 0.30: OpenAI's shapes in an SDK of its own. A stream tells its usage unasked, in `x_groq`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spanledger import semconv

from . import _openai_batches as batches
from . import _openai_chat as chat
from ._openai_media import OPERATIONS, MediaReader, read_media, read_media_request
from ._shape import Attributes, Integration, Reader, Request, Target, pair, results, stainless

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_METHODS: Final = (
    ("chat.completions", "Completions.create", "chat"),
    ("embeddings", "Embeddings.create", "embeddings"),
    ("audio.speech", "Speech.create", "speech"),
    ("audio.transcriptions", "Transcriptions.create", "transcription"),
    ("audio.translations", "Translations.create", "transcription"),
    ("batches", "Batches.create", "batch"),
)


def read_request(api: str, kwargs: Mapping[str, Any]) -> Request:
    return (read_media_request if api in OPERATIONS else chat.read_request)(api, kwargs)


def read_reply(api: str, reply: Any) -> Attributes:
    if api == "chat":
        return chat.read_completion(reply)
    return chat.read_embeddings(reply) if api == "embeddings" else read_media(api, reply)


def read_result(_api: str, line: Any, given: Mapping[str, Any]) -> Attributes:
    return batches.read_line(line, given)


class _ChatReader(chat.ChatReader):
    """An error that comes in `x_groq` ends the stream early, without raising."""

    def __init__(self) -> None:
        super().__init__()
        self._error = False

    def feed(self, chunk: Any) -> None:
        super().feed(chunk)
        told = chunk.x_groq
        if told:
            self._usage = told.usage or self._usage
            self._error = bool(told.error)

    def result(self) -> Attributes:
        return super().result() | ({semconv.ERROR_TYPE: "x_groq_error"} if self._error else {})


def reader(api: str) -> Reader:
    return _ChatReader() if api == "chat" else MediaReader()


def _targets() -> Iterator[Target]:
    for module, name, api in _METHODS:
        yield from pair(f"groq.resources.{module}", name, api)
    yield from results("groq.resources.files", "Files.content", "batch_results", "file_id")


INTEGRATION: Final = Integration(
    package="groq",
    provider="groq",
    targets=tuple(_targets()),
    read_request=read_request,
    read_reply=read_reply,
    reader=reader,
    read_result=read_result,
    texts=chat.texts,
    watches=stainless("groq"),
    operations={"chat": "chat", "embeddings": "embeddings", **OPERATIONS},
)
