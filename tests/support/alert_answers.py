"""What the API answers about rules, silences, channels and back-tests."""

from __future__ import annotations

from typing import Any

from tests.support.api_rows import NOW


def rule(name: str = "checkout-slow", **changes: Any) -> dict[str, Any]:
    told = {"kind": "threshold", "metric": "p95_ms", "above": 20000, "window": "15m", "for": "5m", "no_data": "zero"}
    return {"name": name, "source": "api", **told, "author": "ada", "updated": NOW.isoformat(), **changes}


def silence(**changes: Any) -> dict[str, Any]:
    told = {"id": "s1", "source": "api", "matchers": {"service": "batch"}, "author": "ada", "reason": "migration"}
    return {**told, "since": NOW.isoformat(), "until": NOW.isoformat(), "silenced": [], **changes}


def backtest(name: str = "support") -> dict[str, Any]:
    times = {"since": NOW.isoformat(), "fired_at": NOW.isoformat(), "resolved_at": None}
    fired = {**times, "seen": 3.0, "expected": 1.0, "unit": "calls", "labels": {"service": name}, "summary": name}
    sentence = f"{name} would have fired once in 30 days"
    return {"rule": name, "from": NOW.isoformat(), "to": NOW.isoformat(), "count": 1, "sentence": sentence} | {
        "fired": [fired]
    }


def alert_answers(*names: str) -> dict[str, Any]:
    """``names`` are all that somebody chose."""
    named = names or ("support",)
    built_in = {"name": "failure_spike", "kind": "failure_spike", "source": "built_in", "basis": "its own rate"}
    own = [rule(name or "unnamed", owner=name, filters={"service": name}) for name in named]
    texts = [{"matchers": {"service": name}, "author": name, "reason": name} for name in named]
    held = [silence(id=f"s{number}", silenced=["f" * 32], **told) for number, told in enumerate(texts)]
    heard = [{"state": "firing", "ok": False, "detail": name} for name in named]
    return {
        "/alerts/rules": {"rules": [built_in, *own]},
        "/alerts/silences": {"silences": held},
        "/alerts/channels": {"channels": ["slack"]},
        "/alerts/backtest": backtest(named[0]),
        "/alerts/channels/slack/test": {"channel": "slack", "ok": False, "deliveries": heard},
    }
