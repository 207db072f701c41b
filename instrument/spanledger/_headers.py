"""What the provider's response headers say about limits and waiting."""

from __future__ import annotations

import email.utils
import time
from typing import TYPE_CHECKING, Any, Final

from . import semconv

if TYPE_CHECKING:
    from collections.abc import Iterable

_KINDS: Final = {
    "requests": "requests",
    "tokens": "tokens",
    "input-tokens": "input_tokens",
    "output-tokens": "output_tokens",
}
_LIMITS: Final = {
    **{
        f"x-ratelimit-{edge}-{kind}": f"{name}.{edge}"
        for kind, name in _KINDS.items()
        for edge in ("limit", "remaining")
    },
    **{
        f"anthropic-ratelimit-{kind}-{edge}": f"{name}.{edge}"
        for kind, name in _KINDS.items()
        for edge in ("limit", "remaining")
    },
    **{  # Mistral's, by the minute
        f"x-ratelimit-{edge}-{kind}-minute": f"{name}.{edge}"
        for kind, name in (("req", "requests"), ("tokens", "tokens"))
        for edge in ("limit", "remaining")
    },
}
_known: dict[bytes, str] = {}  # header as sent -> attribute or ""; spares a lower() per header and call
_MOST_KNOWN: Final = 1000


def rate_limits(response: Any) -> dict[str, int]:
    """`spanledger.rate_limit.*` of a response's headers."""
    found = {}
    headers = response.headers
    for name, value in headers.raw if hasattr(headers, "raw") else _raw(headers):  # httpx and httpx2 have it
        try:
            attribute = _known[name]
        except KeyError:
            attribute = _learn(name)
        if attribute and value.isdigit():
            found[attribute] = int(value)
    return found


def _raw(headers: Any) -> Iterable[tuple[bytes, bytes]]:
    return [(str(name).encode(), str(value).encode()) for name, value in headers.items()]


def status_of(response: Any) -> int:
    """0 when it has none. aiohttp calls it `status`."""
    return getattr(response, "status_code", None) or getattr(response, "status", None) or 0


def _learn(name: bytes) -> str:
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    limit = _LIMITS.get(name.decode("latin-1").lower())
    attribute = _known[name] = semconv.RATE_LIMIT_PREFIX + limit if limit else ""
    return attribute


def retry_after(response: Any) -> float:
    """Seconds the provider asked to wait, -1 when it did not say."""
    milliseconds = response.headers.get("retry-after-ms")
    wait = response.headers.get("retry-after")
    try:
        if milliseconds is not None:
            return float(milliseconds) / 1000
        return -1.0 if wait is None else float(wait)
    except ValueError:
        return _until(wait)


def _until(date: str | None) -> float:
    parsed = email.utils.parsedate_tz(date or "")
    return -1.0 if parsed is None else max(0.0, email.utils.mktime_tz(parsed) - time.time())
