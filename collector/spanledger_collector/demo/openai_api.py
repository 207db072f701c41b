"""OpenAI on loopback. Base URL: ``{url}/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanledger_collector.demo.faults import openai_error, openai_headers, openai_stream_error
from spanledger_collector.demo.openai_chat import chat, embeddings
from spanledger_collector.demo.openai_responses import responses
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
        "/v1/embeddings": embeddings,
    },
    fault=_fault,
    broken_stream=openai_stream_error,
    headers=openai_headers,
)
