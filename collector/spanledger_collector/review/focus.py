"""FOCUS 1.2 and 1.3 export: a row per day, provider, model, tier, team, feature, price and token type.

https://focus.finops.org/focus-specification/v1-2/ - every mandatory column, our own ones last and named ``x_``.
"""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

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
_CONDITIONAL: Final = (
    "ChargeFrequency", "ConsumedQuantity", "ConsumedUnit", "ContractedUnitPrice", "InvoiceId", "ListUnitPrice",
    "PricingCategory", "ServiceSubcategory", "SkuId", "SkuMeter", "SkuPriceDetails", "SkuPriceId", "SubAccountId",
    "SubAccountName", "SubAccountType", "Tags",
)  # fmt: skip
_OWN: Final = (
    "x_Model", "x_TokenType", "x_ServiceTier", "x_Team", "x_Feature", "x_Calls", "x_Price", "x_CostSource",
)  # fmt: skip
_ADDED: Final = {"1.2": (), "1.3": ("HostProviderName", "ServiceProviderName")}
VERSIONS: Final = tuple(_ADDED)


def columns(version: str = "1.2") -> tuple[str, ...]:
    """Of one of VERSIONS, ours last."""
    return (*MANDATORY, *_CONDITIONAL, *_ADDED[version], *_OWN)


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
_STEP: Final = Decimal("1e-18")
_OF_QUANTITY: Final = (
    "PricingQuantity", "PricingUnit", "ConsumedQuantity", "ConsumedUnit", "ListUnitPrice", "ContractedUnitPrice",
    "x_Calls",
)  # fmt: skip
NULLABLE: Final = (
    *_OF_QUANTITY,
    "BillingAccountName",
    "ChargeClass",
    "InvoiceId",
    "SubAccountId",
    "SubAccountName",
    "SubAccountType",
    "SkuPriceId",
)


def write(parts: Iterable[Row], account: str, out: TextIO, version: str = "1.2") -> None:
    rows = csv.DictWriter(out, columns(version), lineterminator="\n", extrasaction="ignore")
    rows.writeheader()
    rows.writerows(charges(parts, account))


def parquet(parts: Iterable[Row], account: str, version: str = "1.2") -> bytes:
    """The same rows, money and quantities as decimals, times as UTC timestamps."""
    schema = pa.schema({name: _type(name) for name in columns(version)})
    rows = [{name: _value(name, row[name]) for name in schema.names} for row in charges(parts, account)]
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema), out)
    return out.getvalue()


def _type(name: str) -> pa.DataType:
    if name.endswith(("Start", "End")):
        return pa.timestamp("us", tz="UTC")
    if name.endswith(("Cost", "Quantity", "UnitPrice")):
        return pa.decimal128(38, 18)
    return pa.int64() if name == "x_Calls" else pa.string()


def _value(name: str, text: str) -> object:
    kind = _type(name)
    if text == "":
        return None if name in NULLABLE or not pa.types.is_string(kind) else ""
    if pa.types.is_timestamp(kind):
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    return Decimal(text) if pa.types.is_decimal(kind) else int(text) if pa.types.is_integer(kind) else text


def charges(parts: Iterable[Row], account: str) -> Iterator[dict[str, str]]:
    """Rows as ``corrected.booked`` gives them as FOCUS rows; the sum of BilledCost is theirs exactly.

    A charge is billed with its month, a correction with the month in which it was made.
    """
    for part in parts:
        yield {"BillingAccountId": account} | _FIXED | _who(part) | _what(part) | _ours(part) | _class(part)


def _class(part: Row) -> dict[str, str]:
    """What of a correction differs: it has a price of its own neither by list nor by contract, and no quantity."""
    made = _moment(part.get("corrected") or part["day"])
    billed = Period.month(made)
    period = {"BillingPeriodStart": rfc3339(billed.start), "BillingPeriodEnd": rfc3339(billed.end)}
    if "corrected" not in part:
        return period
    why = f"{part['model']} {_TYPES[part['part']]}, corrected: {part['reason']}"
    return period | dict.fromkeys(_OF_QUANTITY, "") | {"ChargeClass": "Correction", "ChargeDescription": why}


_FIXED: Final = {
    "BillingAccountName": "",
    "BillingCurrency": "USD",
    "ChargeCategory": "Usage",
    "ChargeClass": "",
    "ChargeFrequency": "Usage-Based",
    "InvoiceId": "",  # estimates: no invoice has them
    "PricingCategory": "Standard",
    "ServiceSubcategory": "Generative AI",
    "ServiceCategory": "AI and Machine Learning",
}


def _who(part: Row) -> dict[str, str]:
    name = part["provider"] or "unknown"
    provider, service = _PROVIDERS.get(name, (name, name))
    publisher = _PUBLISHERS.get(name, provider) or _maker(part["model"]) or provider
    return {
        "InvoiceIssuerName": provider,
        "ProviderName": provider,
        "HostProviderName": provider,
        "ServiceProviderName": provider,
        "PublisherName": publisher,
        "ServiceName": service,
    }


def _maker(model: str) -> str:
    """On a platform that hosts others' models, the maker the model's name gives away."""
    return next((maker for family, maker in _MAKERS.items() if family in model), "")


def _what(part: Row) -> dict[str, str]:
    day = _moment(part["day"])
    cost: str = part["cost_usd"]
    return (
        dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"), cost)
        | (quantity := _quantity(part))
        | dict.fromkeys(("ContractedUnitPrice", "ListUnitPrice"), _unit_price(cost, quantity["PricingQuantity"]))
        | {
            "ChargeDescription": f"{part['model']} {_TYPES[part['part']]}",
            "ChargePeriodStart": rfc3339(day),
            "ChargePeriodEnd": rfc3339(day + timedelta(days=1)),
        }
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _unit_price(cost: str, quantity: str) -> str:
    """Empty where no decimal of the ledger's precision times the quantity is the cost exactly."""
    if not Decimal(quantity):
        return ""
    price = (Decimal(cost) / Decimal(quantity)).quantize(_STEP)
    return f"{price.normalize():f}" if price * Decimal(quantity) == Decimal(cost) else ""


def _quantity(part: Row) -> dict[str, str]:
    if part["part"] in {"other", "unsplit"}:
        calls = f"{part['calls']}.0"
        return {
            "PricingQuantity": calls,
            "PricingUnit": "Requests",
            "ConsumedQuantity": calls,
            "ConsumedUnit": "Requests",
        }
    return {
        "PricingQuantity": f"{Decimal(part['tokens']) / _MILLION:f}",
        "PricingUnit": "1000000 Tokens",
        "ConsumedQuantity": f"{part['tokens']}.0",  # a decimal also for readers that go by the looks
        "ConsumedUnit": "Tokens",
    }


def _ours(part: Row) -> dict[str, str]:
    tags = {name: part[name] for name in ("team", "feature") if part[name]}
    return {
        "Tags": json.dumps(tags),
        "SkuId": f"{part['provider']}/{part['model']}",
        "SkuMeter": _TYPES[part["part"]],
        "SkuPriceDetails": json.dumps({"x_TokenType": part["part"], "x_ServiceTier": part["service_tier"]}),
        "SkuPriceId": part["price"] or f"{part['provider']}/{part['model']}",
        "SubAccountId": part["team"],
        "SubAccountName": part["team"],
        "SubAccountType": "team" if part["team"] else "",
        "x_Model": part["model"],
        "x_TokenType": part["part"],
        "x_ServiceTier": part["service_tier"],
        "x_Team": part["team"],
        "x_Feature": part["feature"],
        "x_Calls": str(part["calls"]),
        "x_Price": part["price"],
        "x_CostSource": part["cost_grade"],
    }
