"""FOCUS 1.2 export: a row per day, provider, model, tier, team, feature, price and token type.

https://focus.finops.org/focus-specification/v1-2/ - every mandatory column, our own ones last and named ``x_``.
"""

from __future__ import annotations

import csv
import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TextIO

from spanledger_collector.review.period import Period, rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from spanledger_collector.review.ledger import Row

MANDATORY: Final = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd",
    "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd",
    "ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost", "PricingQuantity",
    "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName",
)  # fmt: skip
COLUMNS: Final = (
    *MANDATORY, "ChargeFrequency", "ConsumedQuantity", "ConsumedUnit", "Tags",
    "x_Model", "x_TokenType", "x_ServiceTier", "x_Team", "x_Feature", "x_Calls", "x_Price", "x_CostSource",
)  # fmt: skip
_PROVIDERS: Final[Mapping[str, tuple[str, str]]] = {  # gen_ai.provider.name: who sends the bill, the service's name
    "anthropic": ("Anthropic", "Claude API"),
    "aws.bedrock": ("AWS", "Amazon Bedrock"),
    "azure.ai.inference": ("Microsoft", "Azure AI Inference"),
    "azure.ai.openai": ("Microsoft", "Azure OpenAI"),
    "cohere": ("Cohere", "Cohere API"),
    "deepseek": ("DeepSeek", "DeepSeek API"),
    "gcp.gemini": ("Google", "Gemini API"),
    "gcp.vertex_ai": ("Google Cloud", "Vertex AI"),
    "groq": ("Groq", "Groq API"),
    "mistral_ai": ("Mistral AI", "Mistral API"),
    "openai": ("OpenAI", "OpenAI API"),
    "x_ai": ("xAI", "xAI API"),
}
_PUBLISHERS: Final = {"aws.bedrock": "", "azure.ai.openai": "OpenAI", "gcp.gemini": "Google", "gcp.vertex_ai": ""}
_MAKERS: Final = {"claude": "Anthropic", "gemini": "Google", "gpt": "OpenAI", "mistral": "Mistral AI", "llama": "Meta"}
_TYPES: Final = {
    "input": "input tokens",
    "cache_read": "cache-read input tokens",
    "cache_write": "cache-write input tokens",
    "output": "output tokens",
    "other": "requests and tools",
    "unsplit": "as the provider charged it",
}
_MILLION: Final = Decimal(1_000_000)


def write(parts: Iterable[Row], month: Period, account: str, out: TextIO) -> None:
    rows = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    rows.writeheader()
    rows.writerows(charges(parts, month, account))


def charges(parts: Iterable[Row], month: Period, account: str) -> Iterator[dict[str, str]]:
    """Rows of the query ``cost_parts`` as FOCUS rows; the sum of BilledCost is theirs exactly."""
    period = {"BillingPeriodStart": rfc3339(month.start), "BillingPeriodEnd": rfc3339(month.end)}
    for part in parts:
        yield period | {"BillingAccountId": account} | _FIXED | _who(part) | _what(part) | _ours(part)


_FIXED: Final = {
    "BillingAccountName": "",
    "BillingCurrency": "USD",
    "ChargeCategory": "Usage",
    "ChargeClass": "",
    "ChargeFrequency": "Usage-Based",
    "ServiceCategory": "AI and Machine Learning",
}


def _who(part: Row) -> dict[str, str]:
    name = part["provider"] or "unknown"
    provider, service = _PROVIDERS.get(name, (name, name))
    publisher = _PUBLISHERS.get(name, provider) or _maker(part["model"]) or provider
    return {
        "InvoiceIssuerName": provider,
        "ProviderName": provider,
        "PublisherName": publisher,
        "ServiceName": service,
    }


def _maker(model: str) -> str:
    """On a platform that hosts others' models, the maker the model's name gives away."""
    return next((maker for family, maker in _MAKERS.items() if family in model), "")


def _what(part: Row) -> dict[str, str]:
    day = datetime.fromisoformat(part["day"].replace("Z", "+00:00"))
    cost: str = part["cost_usd"]
    return (
        dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"), cost)
        | _quantity(part)
        | {
            "ChargeDescription": f"{part['model']} {_TYPES[part['part']]}",
            "ChargePeriodStart": rfc3339(day),
            "ChargePeriodEnd": rfc3339(day + timedelta(days=1)),
        }
    )


def _quantity(part: Row) -> dict[str, str]:
    if part["part"] in {"other", "unsplit"}:
        calls = str(part["calls"])
        return {
            "PricingQuantity": calls,
            "PricingUnit": "Requests",
            "ConsumedQuantity": calls,
            "ConsumedUnit": "Requests",
        }
    return {
        "PricingQuantity": f"{Decimal(part['tokens']) / _MILLION:f}",
        "PricingUnit": "1000000 Tokens",
        "ConsumedQuantity": str(part["tokens"]),
        "ConsumedUnit": "Tokens",
    }


def _ours(part: Row) -> dict[str, str]:
    tags = {name: part[name] for name in ("team", "feature") if part[name]}
    return {
        "Tags": json.dumps(tags),
        "x_Model": part["model"],
        "x_TokenType": part["part"],
        "x_ServiceTier": part["service_tier"],
        "x_Team": part["team"],
        "x_Feature": part["feature"],
        "x_Calls": str(part["calls"]),
        "x_Price": part["price"],
        "x_CostSource": part["cost_grade"],
    }
