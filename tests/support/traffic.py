"""Traffic for detectors: calls as the library reports them, read by the real dialect and priced by the real book.

Prompts get the library's own fingerprints; times are of the last days, so that what is kept for days is there.
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any

from spanledger import semconv
from spanledger._fingerprint import set_key
from spanledger._prefix import fingerprints
from spanledger_collector.normalise import to_call
from spanledger_collector.pricing import Book
from tests.support.calls import make_span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spanledger_collector.model import Call, Span
    from tests.support.ledger import Ledger

DAY_S = 86_400
MINUTE_S = 60
_book = Book(None)


def told(seconds_ago: float, seed: str, duration_s: float = 1.0, **attributes: Any) -> Span:
    """A chat span of gpt-4.1 by service shop; attributes by their semconv constant's name, lower case."""
    digest = hashlib.sha256(seed.encode()).digest()
    start = time.time_ns() - int(seconds_ago * 1e9)
    given = {
        getattr(semconv, name.upper()): value for name, value in attributes.items() if hasattr(semconv, name.upper())
    }
    more = attributes.get("more", {})
    usual = {
        semconv.OPERATION_NAME: "chat",
        semconv.PROVIDER_NAME: "openai",
        semconv.REQUEST_MODEL: "gpt-4.1",
        semconv.OUTCOME: "ok",
        semconv.USAGE_GRADE: "measured",
        semconv.CODE_FILE: "shop/answers.py",
        semconv.CODE_LINE: 12,
        semconv.ATTEMPTS: 1,
    }
    return make_span(
        usual | given | more,
        trace_id=attributes.get("trace_id", digest[:16]),
        span_id=digest[16:24],
        parent_span_id=attributes.get("parent_span_id", b""),
        start_ns=start,
        end_ns=start + int(duration_s * 1e9),
        resource={semconv.SERVICE_NAME: attributes.get("service", "shop")} | attributes.get("resource", {}),
    )


def prompted(model: str, system: Any, prompt: Any, tools: Any = None, schema: Any = None) -> dict[str, Any]:
    """What the library says of a prompt, with one key for all tests."""
    set_key(b"tests")
    found = fingerprints(model, {}, (tools, system, prompt, schema))
    length = sum(found[semconv.PREFIX_SECTION_CHARS])
    return found | {semconv.INPUT_CHARS: length}


def calls_of(spans: Iterable[Span]) -> list[Call]:
    calls = []
    for span in spans:
        call = to_call(span)
        assert call is not None
        call.cost = _book.price(call)
        calls.append(call)
    return calls


def write(ledger: Ledger, spans: Iterable[Span]) -> list[Call]:
    """Into the store as the pipeline would; the calls, priced."""
    kept = list(spans)
    calls = calls_of(kept)
    ledger.write(calls, kept)
    return calls
