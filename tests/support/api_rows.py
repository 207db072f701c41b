"""Rows as the API answers them, for the double: a plain small ledger, and one that a hostile sender filled."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

NOW = datetime.now(timezone.utc)
HOUR = NOW.replace(minute=0, second=0, microsecond=0)
MARKUP = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
MARKDOWN = "[click](javascript:alert(1)) **bold** :red[red] $x^2$ :material/home: https://evil.example"
EMOJI = "😀🎉👩\u200d👩\u200d👧"
RIGHT_TO_LEFT = "نموذج \u202eevil"
ENDLESS = "x" * 10_000
HOSTILE = [MARKUP, MARKDOWN, EMOJI, RIGHT_TO_LEFT, ENDLESS, "", "=HYPERLINK(1)", "# head\n- list"]


def totals(**changes: Any) -> dict[str, Any]:
    row = {"calls": 3, "failures": 1, "input_tokens": 1200, "output_tokens": 300, "cost_usd": Decimal("1.25")}
    return row | {"coverage": 1.0, "unpriced_calls": 0, "attempts": 3, "cache_read_tokens": 0} | changes


def key(name: str, **changes: Any) -> dict[str, Any]:
    return totals(key=name, **changes)


def call(**changes: Any) -> dict[str, Any]:
    text = {"service": "support", "feature": "", "model": "gpt-4.1", "provider": "openai", "operation": "chat"}
    numbers = {"attempts": 1, "duration_ms": 820.0, "input_tokens": 1204, "output_tokens": 88, "cache_read_tokens": 0}
    cost = {"cost_usd": Decimal("0.0042"), "cost_grade": "measured", "cost_reason": "", "usage_grade": "measured"}
    place = {"call_site": "app.py:7", "trace_id": "ab" * 16, "span_id": "cd" * 8}
    return {"start": NOW, "outcome": "ok", "error_type": "", **text, **numbers, **cost, **place} | changes


def beginning(at: datetime = NOW - timedelta(days=60)) -> dict[str, Any]:
    return {"first_seen": at}


def latency(name: str | None = None, **changes: Any) -> dict[str, Any]:
    return {"key": name, "calls": 2, "p50_ms": 420.0, "p95_ms": 1900.0, "p99_ms": 2500.0} | changes


def small(**changes: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Three calls of one model; any query's rows can be given instead."""
    return {
        "totals": [totals()],
        "beginning": [beginning()],
        "names": [{"dimension": "model", "name": "gpt-4.1", "calls": 3, "cost_usd": Decimal("1.25")}],
        "spend_by": [key("gpt-4.1")],
        "spend_over_time": [key("gpt-4.1", bucket=HOUR)],
        "latency": [latency("gpt-4.1")],
        "first_chunks": [{"key": "gpt-4.1", "calls": 2}],
        "failures": [failure("RateLimitError")],
        "latest_calls": [call()],
    } | changes


def failure(error: str, model: str = "gpt-4.1") -> dict[str, Any]:
    return {"error_type": error, "http_status": 429, "provider": "openai", "model": model, "calls": 1, "last_seen": NOW}


def hostile() -> dict[str, list[dict[str, Any]]]:
    """Every name the sender chooses is one that breaks pages; half of the prices are unknown."""
    costs = [Decimal("0.00002") if i % 2 else None for i in range(len(HOSTILE))]
    return small(
        names=[{"dimension": of, "name": name, "calls": 1} for of in ("service", "model") for name in HOSTILE if name],
        spend_by=[key(name, cost_usd=cost) for name, cost in zip(HOSTILE, costs, strict=True)],
        spend_over_time=[key(name, bucket=HOUR, cost_usd=cost) for name, cost in zip(HOSTILE, costs, strict=True)],
        latency=[latency(name) for name in HOSTILE],
        failures=[failure(name, name) for name in HOSTILE],
        latest_calls=[_hostile_call(name, cost) for name, cost in zip(HOSTILE, costs, strict=True)],
    )


def _hostile_call(name: str, cost: Decimal | None) -> dict[str, Any]:
    names = dict.fromkeys(("service", "feature", "model", "provider", "error_type", "cost_reason", "call_site"), name)
    return call(cost_usd=cost, cost_grade="modelled" if cost else "unknown", input_tokens=None, **names)
