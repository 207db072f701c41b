"""Errors as each provider words them, and the rate-limit headers beside every reply."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from spanledger_collector.demo.exchange import event

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanledger_collector.demo.prose import Json

RATE_LIMITED = 429
OVERLOADED = 529
SERVER_ERROR = 500

# status -> (type, code, message)
OPENAI: dict[int, tuple[str, str | None, str]] = {
    400: ("invalid_request_error", None, "The request is invalid."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: ("invalid_request_error", "unsupported_country_region_territory", "Country or region not supported."),
    404: ("invalid_request_error", "model_not_found", "The model does not exist or you do not have access to it."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests."),
    500: ("server_error", None, "The server had an error while processing your request."),
    503: ("service_unavailable_error", None, "The engine is currently overloaded, please try again later."),
}
# status -> (type, message)
ANTHROPIC: dict[int, tuple[str, str]] = {
    400: ("invalid_request_error", "The request is invalid."),
    401: ("authentication_error", "invalid x-api-key"),
    403: ("permission_error", "Your API key does not have permission to use the specified resource."),
    404: ("not_found_error", "The requested resource could not be found."),
    413: ("request_too_large", "Request exceeds the maximum size"),
    429: ("rate_limit_error", "This request would exceed your organization's rate limit."),
    500: ("api_error", "Internal server error"),
    529: ("overloaded_error", "Overloaded"),
}


def openai_error(status: int, message: str = "", param: str | None = None) -> Json:
    usual = OPENAI[SERVER_ERROR if status >= SERVER_ERROR else 400]
    kind, code, text = OPENAI.get(status, usual)
    return {"error": {"message": message or text, "type": kind, "param": param, "code": code}}


def anthropic_error(status: int, request_id: str, message: str = "") -> Json:
    usual = ANTHROPIC[SERVER_ERROR if status >= SERVER_ERROR else 400]
    kind, text = ANTHROPIC.get(status, usual)
    return {"type": "error", "error": {"type": kind, "message": message or text}, "request_id": request_id}


def openai_stream_error(path: str) -> str:
    """The event OpenAI sends when it fails with the reply half told."""
    error = openai_error(SERVER_ERROR)["error"]
    if path.endswith("/responses"):
        data = {"type": "error", "code": "server_error", "message": error["message"], "param": None}
        return event({**data, "sequence_number": 0}, "error")
    return event({"error": error})


def anthropic_stream_error(_: str) -> str:
    kind, text = ANTHROPIC[OVERLOADED]
    return event({"type": "error", "error": {"type": kind, "message": text}}, "error")


@dataclass(slots=True)
class Bucket:
    """A limit per minute that refills steadily. Spending may overdraw it: only ``wait_s`` says to come back."""

    limit: int
    clock: Callable[[], float] = time.monotonic
    burst: float = 1.0  # share of the limit that may be spent at once
    _level: float = field(init=False)
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        self._level = self._full
        self._at = self.clock()

    @property
    def _full(self) -> float:
        return max(1.0, self.limit * self.burst)

    def _refill(self) -> None:
        now = self.clock()
        self._level = min(self._full, self._level + (now - self._at) * self.limit / 60)
        self._at = now

    def wait_s(self) -> float:
        """Seconds until one may be spent; 0 when at once."""
        self._refill()
        return 0.0 if self._level >= 1 else (1 - self._level) * 60 / self.limit

    def spend(self, amount: int) -> None:
        self._refill()
        self._level = max(-self._full, self._level - amount)

    @property
    def remaining(self) -> int:
        self._refill()
        return max(0, int(self._level))

    @property
    def reset_s(self) -> float:
        """Seconds until full again."""
        self._refill()
        return (self._full - self._level) * 60 / self.limit


REQUESTS_PER_MINUTE = 10_000
INPUT_TOKENS_PER_MINUTE = 30_000_000
OUTPUT_TOKENS_PER_MINUTE = 8_000_000
ENFORCED_BURST = 1 / 6  # ten seconds' worth at once


class Allowance:
    """One account's limits. Only a limit of requests given for the account is enforced; the others are told."""

    def __init__(self, requests_per_minute: int | None = None) -> None:
        self.enforced = requests_per_minute is not None
        limit = requests_per_minute or REQUESTS_PER_MINUTE
        self.requests = Bucket(limit, burst=ENFORCED_BURST if self.enforced else 1.0)
        self.input = Bucket(INPUT_TOKENS_PER_MINUTE)
        self.output = Bucket(OUTPUT_TOKENS_PER_MINUTE)

    def admit(self) -> float:
        """Spend one request: 0, or the seconds to wait when none is left."""
        wait = self.requests.wait_s() if self.enforced else 0.0
        if not wait:
            self.requests.spend(1)
        return wait

    def spend_tokens(self, input_tokens: int, output_tokens: int) -> None:
        self.input.spend(input_tokens)
        self.output.spend(output_tokens)


def openai_headers(allowance: Allowance, request_id: str) -> dict[str, str]:
    headers = {"x-request-id": request_id, "openai-version": "2020-10-01", "openai-processing-ms": "1"}
    return {**headers, **rate_limit_headers(allowance)}


def rate_limit_headers(allowance: Allowance) -> dict[str, str]:
    headers = {}
    for name, bucket in (("requests", allowance.requests), ("tokens", allowance.input)):
        headers[f"x-ratelimit-limit-{name}"] = str(bucket.limit)
        headers[f"x-ratelimit-remaining-{name}"] = str(bucket.remaining)
        headers[f"x-ratelimit-reset-{name}"] = f"{bucket.reset_s * 1000:.0f}ms"
    return headers


def anthropic_headers(allowance: Allowance, request_id: str) -> dict[str, str]:
    headers = {"request-id": request_id, "anthropic-organization-id": "simulated"}
    now = datetime.now(timezone.utc)
    buckets = {"requests": allowance.requests, "input-tokens": allowance.input, "output-tokens": allowance.output}
    for name, bucket in {**buckets, "tokens": allowance.input}.items():
        reset = now + timedelta(seconds=bucket.reset_s)
        headers[f"anthropic-ratelimit-{name}-limit"] = str(bucket.limit)
        headers[f"anthropic-ratelimit-{name}-remaining"] = str(bucket.remaining)
        headers[f"anthropic-ratelimit-{name}-reset"] = reset.strftime("%Y-%m-%dT%H:%M:%SZ")
    return headers
