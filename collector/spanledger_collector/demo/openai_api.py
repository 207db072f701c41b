"""OpenAI on loopback. Base URL: ``{url}/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanledger_collector.demo.faults import openai_error, openai_headers, openai_stream_error
from spanledger_collector.demo.openai_batches import batch, batches, content, files
from spanledger_collector.demo.openai_chat import chat, embeddings
from spanledger_collector.demo.openai_completions import completions, moderations
from spanledger_collector.demo.openai_media import image_edits, image_variations, images, speech, transcribe
from spanledger_collector.demo.openai_responses import compact, decisions, responses, retrieved
from spanledger_collector.demo.provider_api import Fault, ProviderApi

if TYPE_CHECKING:
    from spanledger_collector.demo.prose import Json


def _fault(fault: Fault) -> Json:
    return openai_error(fault.status, fault.message, fault.param)


API = ProviderApi(
    name="openai",
    version="/v1",
    endpoints={
        "/v1/chat/completions": chat,
        "/v1/responses": responses,
        "/v1/responses/compact": compact,
        "/v1/decisions": decisions,
        "/v1/embeddings": embeddings,
        "/v1/completions": completions,
        "/v1/images/generations": images,
        "/v1/images/edits": image_edits,
        "/v1/images/variations": image_variations,
        "/v1/audio/transcriptions": transcribe,
        "/v1/audio/translations": transcribe,
        "/v1/audio/speech": speech,
        "/v1/moderations": moderations,
        "/v1/batches": batches,
        "/v1/files": files,
    },
    reads={
        "/v1/batches/{batch_id}": batch,
        "/v1/files/{file_id}/content": content,
        "/v1/responses/{response_id}": retrieved,
    },
    fault=_fault,
    broken_stream=openai_stream_error,
    headers=openai_headers,
)
