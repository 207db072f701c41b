"""openai >= 2: all that is billed. `stream()` goes through `create()`, `parse()` does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from . import _openai_batches as batches
from . import _openai_chat as chat
from . import _openai_responses as responses
from ._compatible import read_client
from ._openai_media import OPERATIONS, MediaReader, read_media, read_media_request
from ._shape import Attributes, Integration, Reader, Request, Target, pair, results, stainless

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_READS: Final = {
    "chat": chat.read_completion,
    "responses": responses.read_response,
    "compaction": responses.read_compaction,
    "decisions": responses.read_decision,
    "completions": chat.read_text,
    "embeddings": chat.read_embeddings,
}
_READERS: Final[dict[str, type[Reader]]] = {
    "chat": chat.ChatReader,
    "responses": responses.ResponseReader,
    "completions": chat.TextReader,
}
# Below openai.resources: module, method, api. Classes of other modules than the first line's are younger than the SDK.
_METHODS: Final = (
    ("chat.completions.completions", "Completions.create", "chat"),
    ("chat.completions.completions", "Completions.parse", "chat"),
    ("responses.responses", "Responses.create", "responses"),
    ("responses.responses", "Responses.parse", "responses"),
    ("completions", "Completions.create", "completions"),
    ("embeddings", "Embeddings.create", "embeddings"),
    ("images", "Images.generate", "images"),
    ("images", "Images.edit", "images"),
    ("images", "Images.create_variation", "images"),
    ("audio.speech", "Speech.create", "speech"),
    ("audio.transcriptions", "Transcriptions.create", "transcription"),
    ("audio.translations", "Translations.create", "transcription"),
    ("moderations", "Moderations.create", "moderation"),
    ("batches", "Batches.create", "batch"),
)
_YOUNGER: Final = (
    ("responses.responses", "Responses.compact", "compaction"),
    ("beta.responses.responses", "Responses.create", "responses"),
    ("beta.responses.responses", "Responses.compact", "compaction"),
    ("decisions", "Decisions.create", "decisions"),
)


def read_request(api: str, kwargs: Mapping[str, Any]) -> Request:
    return (read_media_request if api in OPERATIONS else chat.read_request)(api, kwargs)


def read_reply(api: str, reply: Any) -> Attributes:
    return _READS[api](reply) if api in _READS else read_media(api, reply)


def read_result(api: str, reply: Any, given: Mapping[str, Any]) -> Attributes:
    return batches.read_line(reply, given) if api == "batch_results" else responses.read_retrieved(reply)


def texts(api: str, reply: Any) -> list[str]:
    return responses.texts(reply) if api == "responses" else chat.texts(api, reply)


def reader(api: str) -> Reader:
    return _READERS.get(api, MediaReader)()


def _targets() -> Iterator[Target]:
    for module, name, api in _METHODS:
        yield from pair(f"openai.resources.{module}", name, api)
    for module, name, api in _YOUNGER:
        yield from pair(f"openai.resources.{module}", name, api, required=False)
    yield from results("openai.resources.files", "Files.content", "batch_results", "file_id")
    yield from results("openai.resources.responses.responses", "Responses.retrieve", "retrieved")
    yield from results("openai.resources.beta.responses.responses", "Responses.retrieve", "retrieved", required=False)


INTEGRATION: Final = Integration(
    package="openai",
    provider="openai",
    targets=tuple(_targets()),
    read_request=read_request,
    read_reply=read_reply,
    reader=reader,
    read_result=read_result,
    texts=texts,
    ask_usage=chat.ask_usage,
    only_usage=chat.only_usage,
    watches=stainless("openai"),
    operations={
        "chat": "chat",
        "responses": "chat",
        "compaction": "chat",
        "decisions": "chat",
        "completions": "text_completion",
        "embeddings": "embeddings",
        **OPERATIONS,
    },
    clients={"AzureOpenAI": "azure.ai.openai", "BedrockOpenAI": "aws.bedrock"},
    read_client=read_client,
)
