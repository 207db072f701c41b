"""Azure OpenAI on loopback: deployments in the path and verdicts of its content filter. ``azure_endpoint``: ``{url}``.

A deployment named like a model answers as that model, any other one as ``MODEL``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from spanledger_collector.demo import openai_chat, openai_completions, openai_media
from spanledger_collector.demo.exchange import Answer, Exchange, event
from spanledger_collector.demo.faults import openai_error, openai_stream_error, rate_limit_headers
from spanledger_collector.demo.openai_responses import responses
from spanledger_collector.demo.provider_api import Endpoint, Fault, ProviderApi
from spanledger_collector.demo.retelling import retold

if TYPE_CHECKING:
    from spanledger_collector.demo.faults import Allowance
    from spanledger_collector.demo.prose import Json

MODEL = "gpt-4.1-2025-04-14"
MODEL_NAMES = ("gpt-", "o1", "o3", "o4", "text-embedding-", "whisper", "tts-", "dall-e")
CODES = {401: "401", 404: "DeploymentNotFound", 429: "429"}
SAFE = {name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")}


def chat(exchange: Exchange) -> Answer:
    """A chat completion; a stream begins with a chunk of verdicts on the prompt that has no choices. Raises Refused."""
    answer = retold(openai_chat.chat(exchange), _filtered)
    verdicts = [{"prompt_index": 0, "content_filter_results": SAFE}]
    if isinstance(answer.body, dict):
        return replace(answer, body={**answer.body, "prompt_filter_results": verdicts})
    opening = {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": verdicts}
    return replace(answer, head=[event(opening), *answer.head])


def _filtered(told: Json) -> Json:
    return {**told, "choices": [{**choice, "content_filter_results": SAFE} for choice in told["choices"]]}


def _deployed(answer: Endpoint) -> Endpoint:
    def serve(exchange: Exchange) -> Answer:
        name = exchange.path["model"]
        model = name if name.startswith(MODEL_NAMES) else MODEL
        return answer(replace(exchange, path={**exchange.path, "model": model}))

    return serve


def _fault(fault: Fault) -> Json:
    error = openai_error(fault.status, fault.message, fault.param)["error"]
    return {"error": {**error, "code": CODES.get(fault.status, error["code"])}}


def _headers(allowance: Allowance, request_id: str) -> dict[str, str]:
    return {"apim-request-id": request_id, "x-ms-region": "simulated", **rate_limit_headers(allowance)}


DEPLOYED: dict[str, Endpoint] = {
    "chat/completions": chat,
    "completions": openai_completions.completions,
    "embeddings": openai_chat.embeddings,
    "images/generations": openai_media.images,
    "audio/transcriptions": openai_media.transcribe,
    "audio/translations": openai_media.transcribe,
    "audio/speech": openai_media.speech,
}
API = ProviderApi(
    name="azure",
    endpoints={
        **{f"/openai/deployments/{{model}}/{path}": _deployed(answer) for path, answer in DEPLOYED.items()},
        "/openai/responses": responses,
    },
    fault=_fault,
    broken_stream=openai_stream_error,
    headers=_headers,
)
