"""Usage objects as the providers' APIs return them, into disjoint parts and whatever else they say about the bill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.pricing.usage_conventions import CONVENTIONS
from spanledger_collector.pricing.usage_fields import Fields, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from spanledger_collector.model import Usage

__all__ = ["RawUsage", "UsageError", "read"]

_TICKS_PER_DOLLAR: Final = 10  # a power of ten: xAI's cost_in_usd_ticks
# What Vertex AI bills a call by; any other name is a tier without a price.
_TRAFFIC: Final = {"on_demand": "", "on_demand_priority": "priority", "on_demand_flex": "flex"}


@dataclass(frozen=True, slots=True)
class RawUsage:
    """A usage object, read."""

    usage: Usage
    service_tier: str = ""  # empty where the object does not tell
    region: str = ""
    reported_cost: Decimal | None = None  # US dollars


def read(usage: Mapping[str, Any], provider: str = "") -> RawUsage:
    """Disjoint usage from a raw usage object, whose field names tell the convention; else UsageError.

    ``provider`` is its id in the price book: some count differently under the same names.
    """
    fields = Fields(usage)
    for known, reader in CONVENTIONS:
        if fields.any(*known):
            return RawUsage(
                reader(fields, provider), _tier(fields), fields.text("inference_geo"), _reported(fields, provider)
            )
    names = ", ".join(sorted(usage)) or "nothing"
    raise UsageError(f"usage has {names}: no provider's usage object; give it as the provider's API returned it")


def _tier(usage: Fields) -> str:
    traffic = usage.text("trafficType") or usage.text("traffic_type")
    if usage.text("speed") == "fast":
        return "fast"
    return _TRAFFIC.get(traffic, traffic) or usage.text("service_tier") or usage.text("serviceTier")


def _reported(usage: Fields, provider: str) -> Decimal | None:
    """The provider's own word on the money; a gateway's estimate under another provider's name is none."""
    if provider == "openrouter":
        cost = usage.money("cost")
        upstream = usage.inner("cost_details").money("upstream_inference_cost") if _own_key(usage) else None
        return cost if cost is None or upstream is None else cost + upstream
    if provider == "perplexity":
        return usage.inner("cost").money("total_cost")
    if provider == "x-ai":
        ticks = usage.money("cost_in_usd_ticks")
        return None if ticks is None else ticks.scaleb(-_TICKS_PER_DOLLAR)
    return None


def _own_key(usage: Fields) -> bool:
    """OpenRouter calls made with the customer's own key: its fee stands beside the upstream provider's bill."""
    return usage.values.get("is_byok") is True
