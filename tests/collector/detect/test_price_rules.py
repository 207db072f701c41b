"""What a smaller model or a shorter prompt would cost: exact dollars, and rules that the price book agrees with."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from tests.support.calls import make_call
from tests.support.traffic import DAY_S, prompted, told, write

from spanledger_collector.detect import DETECTORS
from spanledger_collector.detect.price_rules import sibling_of, siblings, step_of, steps
from spanledger_collector.model import Usage
from spanledger_collector.pricing import Book

BY_ID = {each.id: each for each in DETECTORS}
CALLS = 40
GEMINI = {"provider_name": "gcp.gemini", "request_model": "gemini-2.5-pro"}
TODAY = datetime.now(timezone.utc).date()
NAMES = {"gemini": "gcp.gemini"}
# A model that each rule is about.
MODELS = {
    r"gpt-4\.1(-\d{4}-\d\d-\d\d)?": "gpt-4.1",
    r"gpt-4\.1-mini(-\d{4}-\d\d-\d\d)?": "gpt-4.1-mini",
    r"gpt-4o(-\d{4}-\d\d-\d\d)?": "gpt-4o",
    r"gpt-5(-\d{4}-\d\d-\d\d)?": "gpt-5",
    r"gpt-5-mini(-\d{4}-\d\d-\d\d)?": "gpt-5-mini",
    r"gpt-5\.4(-\d{4}-\d\d-\d\d)?": "gpt-5.4",
    r"claude-opus-4-[5-7](-\d{8})?": "claude-opus-4-5",
    r"claude-sonnet-4-[56](-\d{8})?": "claude-sonnet-4-6",
    r"gemini-2\.5-pro": "gemini-2.5-pro",
    r"gpt-5\.(4|5|6)(-sol)?(-\d{4}-\d\d-\d\d)?": "gpt-5.5",
    r"gemini-(2\.5-pro|3(\.1)?-pro-preview)": "gemini-3.1-pro-preview",
    r"claude-sonnet-4-5(-\d{8})?": "claude-sonnet-4-5",
}


def traffic(**told_of: Any) -> list[Any]:
    return [
        told(3600 + (number // 20) * DAY_S + (number % 20) * 60, f"{sorted(told_of)} {number}", **told_of)
        for number in range(CALLS)
    ]


def short(output: int = 10, **more: Any) -> list[Any]:
    return traffic(usage_input_tokens=1000, usage_output_tokens=output, output_type="json", **more)


def price(provider: str, model: str, usage: Usage) -> Decimal:
    total = Book(None).price(make_call(usage, provider=provider, model=model, at=f"{TODAY}T00:00:00Z")).total
    assert total is not None, f"the price book does not know {model}"
    return total


def test_short_answers_of_a_fixed_form_by_a_large_model(ledger: Any, look: Any) -> None:
    write(ledger, short())
    (found,) = look(BY_ID["D29"])
    assert found["title"] == "Worth a test: gpt-4.1-mini for replies of 10 tokens"
    whole, less = (price("openai", name, Usage(1000, output=10)) for name in ("gpt-4.1", "gpt-4.1-mini"))
    assert found["money_usd"] == (whole - less) * CALLS
    assert found["confidence"] == "low"


@pytest.mark.parametrize(
    "more",
    [
        {"output": 400},
        {"output_type": None},
        {"usage_reasoning": 5},
        {"request_model": "gpt-4.1-nano"},
        {"more": prompted("gpt-4.1", None, [{"role": "user", "content": "x"}], [{"name": "search"}])},
    ],
    ids=["long", "free", "reasoned", "smallest", "tools"],
)
def test_what_a_smaller_model_may_not_do_is_silent(ledger: Any, look: Any, more: dict[str, Any]) -> None:
    spans = short(**more) if "output_type" not in more else traffic(usage_input_tokens=1000, usage_output_tokens=10)
    write(ledger, spans)
    assert look(BY_ID["D29"]) == []


def test_a_prompt_just_over_the_step(ledger: Any, look: Any) -> None:
    write(ledger, traffic(usage_input_tokens=204_000, usage_output_tokens=100, **GEMINI))
    (found,) = look(BY_ID["D30c"])
    assert found["title"] == "Up to 2.0% over 200,000 tokens costs 2 times as much input"
    # Of what they cost, half of the input and a third of the output.
    assert found["money_usd"].quantize(Decimal("1e-9")) == (204_000 * Decimal("1.25e-6") + 100 * Decimal("5e-6")) * 40


@pytest.mark.parametrize("tokens", [200_000, 215_000])
def test_prompts_below_the_step_or_far_above_it_are_silent(ledger: Any, look: Any, tokens: int) -> None:
    write(ledger, traffic(usage_input_tokens=tokens, usage_output_tokens=100, **GEMINI))
    assert look(BY_ID["D30c"]) == []


@pytest.mark.parametrize("rule", siblings(), ids=lambda rule: rule.model)
def test_the_book_agrees_about_smaller_models(rule: Any) -> None:
    provider, model = NAMES.get(rule.provider, rule.provider), MODELS[rule.models]
    assert sibling_of(provider, model, TODAY) == rule
    for usage, ratio in ((Usage(1000), rule.input), (Usage(0, output=1000), rule.output)):
        part = price(provider, rule.model, usage) / price(provider, model, usage)
        assert part.quantize(Decimal("1e-9")) == ratio.quantize(Decimal("1e-9"))


@pytest.mark.parametrize("rule", steps(), ids=lambda rule: rule.provider)
def test_the_book_agrees_about_steps(rule: Any) -> None:
    provider, model = NAMES.get(rule.provider, rule.provider), MODELS[rule.models]
    assert step_of(provider, model, TODAY) == rule
    below, above = (price(provider, model, Usage(rule.above + more)) / (rule.above + more) for more in (0, 1))
    assert above / below == rule.input
    outputs = [
        price(provider, model, Usage(rule.above + more, output=1000)) - price(provider, model, Usage(rule.above + more))
        for more in (0, 1)
    ]
    assert outputs[1] / outputs[0] == rule.output
