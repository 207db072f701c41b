"""What the tests of litellm have in common: calls of two providers, and what their bills hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from spanledger import semconv
from tests.support.structure import CANARY, one_bill_per_request, told

if TYPE_CHECKING:
    from spanledger_collector.demo.simulator import Simulator
    from tests.support.spans import Spans

MESSAGES = [{"role": "user", "content": f"Who is {CANARY}?"}]
REPLY = {"text": f"It is {CANARY}, I think, and nobody else at all."}
GPT, CLAUDE = "openai/gpt-4.1", "anthropic/claude-sonnet-5"
BOTH = pytest.mark.parametrize("model", [GPT, CLAUDE])


def at(provider: Simulator, model: str) -> dict[str, Any]:
    base = provider.base_urls["openai" if model.startswith("openai") else model.partition("/")[0]]
    return {"model": model, "api_base": base, "api_key": "test"}


def the_bill(spans: Spans, provider: Simulator) -> dict[str, Any]:
    (paid,) = one_bill_per_request(spans, provider)
    return told(paid)


def assert_whole(bill: dict[str, Any], model: str, file: str) -> None:
    provider, _, name = model.partition("/")
    assert bill[semconv.PROVIDER_NAME] == provider
    assert bill[semconv.REQUEST_MODEL] == name
    assert bill[semconv.OUTCOME] == "ok"
    assert bill[semconv.USAGE_GRADE] == "measured"
    assert bill[semconv.USAGE_OUTPUT_TOKENS] > 0
    assert bill[semconv.CODE_FILE] == file
