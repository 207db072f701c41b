"""Serves one provider endpoint: records the request, plays the script, sends the answer or the provider's error."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse

from spanledger_collector.demo import faults
from spanledger_collector.demo.draft import PIECE_CHARS, Refused, compact
from spanledger_collector.demo.exchange import BAD_REQUEST, Answer, Exchange
from spanledger_collector.demo.form import FormInvalid, read_form
from spanledger_collector.demo.prefix_cache import TOKEN_CHARS
from spanledger_collector.demo.provider_api import Fault
from spanledger_collector.demo.provider_state import RecordedRequest
from spanledger_collector.demo.script import LONGEST_S, OK, Scripted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.requests import Request

    from spanledger_collector.demo.prose import Json
    from spanledger_collector.demo.provider_api import Endpoint, ProviderApi
    from spanledger_collector.demo.provider_state import ProviderState

UNAUTHORISED = 401
SLICE_S = 0.25  # how often a sleeping reply looks whether its client is still there
KEYLESS = "keyless"
KEY_HEADERS = ("x-api-key", "api-key", "x-goog-api-key")  # Anthropic, Azure, Google; the others send Authorization
TOKENS_PER_PIECE = PIECE_CHARS // TOKEN_CHARS


class ConnectionCut(Exception):
    """Ends a reply half told: the server closes the connection without its end."""


class ServiceDesk:
    """One endpoint of one provider."""

    def __init__(self, state: ProviderState, api: ProviderApi, answer: Endpoint) -> None:
        self._state = state
        self._api = api
        self._answer = answer

    async def serve(self, request: Request) -> Response:
        raw = await request.body()
        path = request.url.path
        self._state.requests.append(RecordedRequest(request.method, path, dict(request.headers), raw))
        key = _key(request) or (KEYLESS if self._api.keyless else "")
        plan = self._state.next_plan(key)
        await _pause(request, plan.delay)
        reply = _Reply(request, self._api, self._state, key, plan)
        try:
            self._admit(key)
            return await self._reply(reply, raw)
        except Refused as refused:
            return reply.error(Fault(refused.status, str(refused), refused.param))
        except RateLimited as limited:
            return reply.error(Fault(faults.RATE_LIMITED), wait_s=limited.wait_s)

    def _admit(self, key: str) -> None:
        if not key:
            raise Refused(UNAUTHORISED, "")
        wait_s = self._state.allowance(key).admit()
        if wait_s:
            raise RateLimited(wait_s)

    async def _reply(self, reply: _Reply, raw: bytes) -> Response:
        plan = reply.plan
        if plan.body is not None:
            return reply.plain(plan.body, plan.status)
        if plan.status != OK:
            return reply.error(Fault(plan.status))
        if self._state.random.random() < self._state.conditions.failure_share:
            return reply.error(Fault(self._api.overloaded))
        body = _asked(reply.request, raw)
        today = datetime.now(timezone.utc).date()
        path, kept = reply.request.path_params, self._state.kept
        url = str(reply.request.base_url).rstrip("/")
        exchange = Exchange(body, reply.key, self._state.cache, today, plan, path, kept, url)
        answer = self._answer(exchange)
        self._state.allowance(reply.key).spend_tokens(answer.input_tokens, answer.output_tokens)
        if answer.body is None:
            return reply.stream(answer)
        conditions = self._state.conditions
        await _pause(reply.request, conditions.first_token_s + conditions.token_s * answer.output_tokens)
        return reply.plain(answer.body, media=answer.media, extra=answer.headers)


class RateLimited(Exception):
    """More requests than the account may send; come back after ``wait_s`` seconds."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(wait_s)
        self.wait_s = wait_s


def _key(request: Request) -> str:
    given = next((request.headers[name] for name in KEY_HEADERS if name in request.headers), "")
    given = given or request.query_params.get("key", "") or request.headers.get("authorization", "")
    if "Credential=" in given:  # AWS signature: the access key before the scope
        return given.partition("Credential=")[2].partition("/")[0]
    return given.removeprefix("Bearer").strip()


def _asked(request: Request, raw: bytes) -> Json:
    if request.method == "GET":
        return {
            name: value == "true" if value in ("true", "false") else value
            for name, value in request.query_params.items()
        }
    return _decoded(raw, request.headers.get("content-type", ""))


def _decoded(raw: bytes, media: str) -> Json:
    try:
        body = read_form(raw, media) if media.startswith("multipart/") else json.loads(raw)
    except FormInvalid as error:
        raise Refused(BAD_REQUEST, str(error)) from error
    except ValueError as error:
        raise Refused(BAD_REQUEST, "We could not parse the JSON body of your request.") from error
    if not isinstance(body, dict):
        raise Refused(BAD_REQUEST, "The JSON body of your request is not an object.")
    return body


async def _pause(request: Request, seconds: float) -> None:
    """Sleep, but not on behalf of a client that has left."""
    end = time.monotonic() + min(seconds, LONGEST_S)
    while (left := end - time.monotonic()) > 0:
        await asyncio.sleep(min(SLICE_S, left))
        if left > SLICE_S and await request.is_disconnected():
            return


class _Reply:
    """Builds the HTTP responses to one request."""

    def __init__(self, request: Request, api: ProviderApi, state: ProviderState, key: str, plan: Scripted) -> None:
        self.request = request
        self.key = key
        self.plan = plan
        self._api = api
        self._state = state
        self._request_id = f"req_{uuid.uuid4().hex}"

    def _headers(self) -> dict[str, str]:
        usual = self._api.headers(self._state.allowance(self.key), self._request_id)
        return {**usual, **self.plan.headers}

    def plain(
        self, body: object, status: int = OK, media: str = "", extra: Mapping[str, str] | None = None
    ) -> Response:
        content = body if isinstance(body, bytes) else compact(body).encode()
        headers, media = {**(extra or {}), **self._headers()}, media or "application/json"
        if self.plan.drop_after_chunks is None:
            return Response(content, status, headers, media)
        headers["content-length"] = str(len(content))
        return StreamingResponse(_cut_after(content[: len(content) // 2]), status, headers, media)

    def error(self, fault: Fault, wait_s: float | None = None) -> Response:
        if fault.status < BAD_REQUEST:
            return Response(status_code=fault.status, headers=self._headers())
        fault = replace(fault, request_id=self._request_id)
        headers = {**self._api.fault_headers(fault), **self._headers()}
        if fault.status == faults.RATE_LIMITED:
            if self._api.retry_after:
                headers.setdefault("retry-after", "1" if wait_s is None else f"{max(wait_s, 0.001):.3f}")
            _nothing_left(headers)
        return Response(compact(self._api.fault(fault)), fault.status, headers, "application/json")

    def stream(self, answer: Answer) -> Response:
        headers = {"cache-control": "no-cache", **answer.headers, **self._headers()}
        return StreamingResponse(self._events(answer), OK, headers, answer.media or "text/event-stream")

    async def _events(self, answer: Answer) -> AsyncIterator[str | bytes]:
        plan, conditions = self.plan, self._state.conditions
        end = time.monotonic() + LONGEST_S
        await asyncio.sleep(conditions.first_token_s)
        for text in answer.head:
            yield text
        for sent, text in enumerate(answer.pieces):
            if sent == plan.error_after_chunks or time.monotonic() > end:
                yield self._api.broken_stream(self.request.url.path)
                return
            if sent == plan.drop_after_chunks:
                raise ConnectionCut
            await asyncio.sleep(plan.chunk_delay or conditions.token_s * TOKENS_PER_PIECE)
            yield text
        if plan.drop_after_chunks is not None:
            raise ConnectionCut
        for text in answer.tail:
            yield text


async def _cut_after(body: bytes) -> AsyncIterator[bytes]:
    yield body
    raise ConnectionCut


def _nothing_left(headers: dict[str, str]) -> None:
    for name in ("x-ratelimit-remaining-requests", "anthropic-ratelimit-requests-remaining"):
        if name in headers:
            headers[name] = "0"
