"""What GET /api/v1/review answers, in small: every field that the page reads."""

from __future__ import annotations

from typing import Any

BARS = ("volume", "waste", "mix", "size", "cache", "reasoning", "price", "new", "gone", "restated")


def forecast(**changes: Any) -> dict[str, Any]:
    told = {"method": "seasonal", "spent_usd": "3", "days_left": 4, "p10_usd": "4", "p50_usd": "5", "p90_usd": "7"}
    return told | changes


def _segment(name: str) -> dict[str, str]:
    return {"service": name, "provider": "openai", "model": name, "feature": name, "team": name}


def _bar(name: str, usd: str, place: str | None = None) -> dict[str, Any]:
    mostly = _segment(place) if place is not None else None
    return {"bar": name, "title": name, "meaning": f"what {name} means", "usd": usd, "mostly": mostly}


def _totals(usd: str | None, calls: int = 3) -> dict[str, Any]:
    unpriced = calls if usd is None else 0
    counts = {"calls": calls, "failures": 0, "input_tokens": 9, "output_tokens": 5, "attempts": calls}
    return {**counts, "cost_usd": usd, "coverage": 0.0 if usd is None else 1.0, "unpriced_calls": unpriced}


def _shown(name: str) -> dict[str, Any]:
    return {"key": name, **_totals("3"), "share": 1.0, "previous_cost_usd": "1"}


def _units(usd: str | None) -> dict[str, Any]:
    return {"request": usd, "success": usd, "user": None, "per_million": {"all input": usd}}


def _covered(usd: str | None) -> dict[str, Any]:
    grades = {"measured": {"calls": 3, "cost_usd": usd}, "unknown": {"calls": 1, "cost_usd": None}}
    return {"share": 0.75, "answered": 4, "priced": 3, "grades": grades}


def spared(name: str = "support", usd: str | None = "3") -> dict[str, Any]:
    counts = {"hits": 9, "counted_hits": 4, "saved_input_tokens": 500, "saved_output_tokens": 50}
    return {"service": name, "feature": name, "provider": "openai", "model": name, **counts, "saved_usd": usd}


def fallback(name: str = "support", usd: str | None = "3", **changes: Any) -> dict[str, Any]:
    names = {"service": name, "feature": name, "from_model": name, "to_model": name}
    return {**names, "said": False, "calls": 4, "priced_calls": 3, "cost_usd": usd, **changes}


def bridge(name: str = "support") -> dict[str, Any]:
    """From $1 to $3: $2.5 more by volume, half a dollar less by cache."""
    moved = {"volume": "2.5", "cache": "-0.5"}
    group = {"key": name, "before_usd": "1", "after_usd": "3", "bars": dict.fromkeys(BARS, "0") | moved}
    by = {each: [group] for each in ("team", "feature", "model", "provider", "service")}
    bars = [_bar(each, moved.get(each, "0"), name if each in moved else None) for each in BARS]
    return {"before_usd": "1", "after_usd": "3", "suppressed": "", "bars": bars, "by": by}


def review(name: str = "support", usd: str | None = "3", **changes: Any) -> dict[str, Any]:
    """``name`` is every name that a service sends."""
    nobody = {"cost_usd": "0", "share": 0.0}
    return {
        "period": {"name": "2026-11", "from": "2026-11-01T00:00:00+00:00", "to": "2026-12-01T00:00:00+00:00"},
        "against": {"name": "2026-10", "from": "2026-10-01T00:00:00+00:00", "to": "2026-11-01T00:00:00+00:00"},
        "scope": {},
        "as_of": "2026-11-26T12:00:00+00:00",
        "is_over": False,
        "demo": False,
        "headline": f"LLM spend is $3.00 in 2026-11 so far, mostly {name}.",
        "totals": {"now": _totals(usd), "before": _totals("1")},
        "bridge": bridge(name),
        "forecast": {"period": forecast(), "following": None, "previous": None},
        "daily": [{"day": "2026-10-02", "cost_usd": "1"}, {"day": "2026-11-02", "cost_usd": "3"}],
        "budgets": [],
        "showback": {each: [_shown(name)] for each in ("team", "feature", "model")},
        "unallocated": {each: {"now": nobody, "before": nobody} for each in ("team", "feature", "model")},
        "unit_costs": {"now": _units(usd), "before": _units("1")},
        "waste": [],
        "response_cache": [spared(name, usd)],
        "fallbacks": [fallback(name, usd)],
        "coverage": {"now": _covered(usd), "before": _covered("1"), "said": "75 % have a known cost."},
        "restatements": {"days": [], "difference_usd": {"period": "0", "against": "0"}},
    } | changes
