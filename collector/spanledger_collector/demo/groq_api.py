"""Groq on loopback: OpenAI's shapes, and ``x_groq`` with the usage of a stream unasked. Base URL: ``{url}/groq``."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from spanledger_collector.demo import openai_media
from spanledger_collector.demo.exchange import Answer, Exchange, event
from spanledger_collector.demo.faults import openai_error, rate_limit_headers
from spanledger_collector.demo.openai_batches import batch, batches, content, files
from spanledger_collector.demo.openai_chat import DONE, embeddings
from spanledger_collector.demo.provider_api import Fault, ProviderApi
from spanledger_collector.demo.retelling import asks_for_usage, chat_with_usage, read_chunks, retold

if TYPE_CHECKING:
    from spanledger_collector.demo.faults import Allowance
    from spanledger_collector.demo.prose import Json

TOKENS_PER_S = 500


def chat(exchange: Exchange) -> Answer:
    """A chat completion, plain or streamed. Raises Refused."""
    answer = chat_with_usage(exchange)
    tell = _Telling(exchange)
    if not exchange.streamed:
        return retold(answer, tell.reply)
    answer = retold(answer, tell.chunk)
    *ends, last = read_chunks(answer.tail)
    ends[-1]["x_groq"] = {"id": tell.request_id, "usage": last["usage"]}
    kept = [*ends, last] if asks_for_usage(exchange) else ends
    head, *others = read_chunks(answer.head)
    head["x_groq"] = {"id": tell.request_id}
    return replace(answer, head=[event(each) for each in (head, *others)], tail=[*map(event, kept), DONE])


class _Telling:
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.request_id = f"req_{uuid.uuid4().hex[:26]}"

    def reply(self, body: Json) -> Json:
        told = {"service_tier": "on_demand", "usage": self._usage(body["usage"]), "x_groq": {"id": self.request_id}}
        return {**body, **told}

    def chunk(self, chunk: Json) -> Json:
        chunk = {name: value for name, value in chunk.items() if name != "service_tier"}
        usage = chunk.pop("usage", None)
        if usage is not None:
            return {**chunk, "usage": self._usage(usage)}
        return {**chunk, "usage": None} if asks_for_usage(self._exchange) else chunk

    def _usage(self, usage: Json) -> Json:
        """Details only where they count something, and the seconds each part took."""
        if self._exchange.plan.usage is not None:
            return usage
        prompt_s, completion_s = usage["prompt_tokens"] / 10_000, usage["completion_tokens"] / TOKENS_PER_S
        times = {"queue_time": 0.01, "prompt_time": prompt_s, "completion_time": completion_s}
        counts = {name: usage[name] for name in ("prompt_tokens", "completion_tokens", "total_tokens")}
        thought = usage["completion_tokens_details"]["reasoning_tokens"]
        details = {"completion_tokens_details": {"reasoning_tokens": thought}} if thought else {}
        return {**times, **counts, "total_time": prompt_s + completion_s, **details}


def transcribe(exchange: Exchange) -> Answer:
    """A transcription: Groq tells no usage, only who asked. Raises Refused."""
    answer = openai_media.transcribe(exchange)
    if not isinstance(answer.body, dict):
        return answer
    told = {name: value for name, value in answer.body.items() if name != "usage" or exchange.plan.usage is not None}
    return replace(answer, body={**told, "x_groq": {"id": f"req_{uuid.uuid4().hex[:26]}"}})


def _fault(fault: Fault) -> Json:
    error = openai_error(fault.status, fault.message)["error"]
    return {"error": {name: error[name] for name in ("message", "type", "code") if error[name] is not None}}


def _broken_stream(_: str) -> str:
    return event(_fault(Fault(500)), "error")


def _headers(allowance: Allowance, request_id: str) -> dict[str, str]:
    return {"x-request-id": request_id, "x-groq-region": "simulated", **rate_limit_headers(allowance)}


API = ProviderApi(
    name="groq",
    mount="/groq",
    endpoints={
        "/openai/v1/chat/completions": chat,
        "/openai/v1/embeddings": embeddings,
        "/openai/v1/audio/transcriptions": transcribe,
        "/openai/v1/audio/translations": transcribe,
        "/openai/v1/audio/speech": openai_media.speech,
        "/openai/v1/batches": batches,
        "/openai/v1/files": files,
    },
    reads={"/openai/v1/batches/{batch_id}": batch, "/openai/v1/files/{file_id}/content": content},
    fault=_fault,
    broken_stream=_broken_stream,
    headers=_headers,
)
