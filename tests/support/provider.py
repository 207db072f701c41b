"""The real SDKs, pointed at a simulator on loopback."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anthropic
import openai
import pytest

from spanledger_collector.demo.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

QUESTION: list[dict[str, str]] = [{"role": "user", "content": "What is the canary's favourite colour?"}]
ANTHROPIC_MAJOR = int(anthropic.__version__.split(".")[0])
OPENAI_MAJOR = int(openai.__version__.split(".")[0])


class Clients:
    """One client of each kind; `max_retries` and other options go to all of them."""

    def __init__(self, url: str, **options: Any) -> None:
        self.openai = openai.OpenAI(base_url=f"{url}/v1", api_key="test", **options)
        self.openai_async = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="test", **options)
        self.anthropic = anthropic.Anthropic(base_url=url, api_key="test", **options)
        self.anthropic_async = anthropic.AsyncAnthropic(base_url=url, api_key="test", **options)

    def close(self) -> None:
        self.openai.close()
        self.anthropic.close()


@contextmanager
def clients_of(provider: Simulator, **options: Any) -> Iterator[Clients]:
    clients = Clients(provider.url, **options)
    try:
        yield clients
    finally:
        clients.close()


@pytest.fixture(scope="session")
def _provider() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def provider(_provider: Simulator) -> Simulator:
    _provider.clear()
    return _provider


@pytest.fixture
def clients(provider: Simulator) -> Iterator[Clients]:
    with clients_of(provider, max_retries=2) as made:
        yield made
