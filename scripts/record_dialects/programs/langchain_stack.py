"""LangChain over the openai SDK, watched twice: by whoever watches chains and by whoever watches the SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import stage

if TYPE_CHECKING:
    from collections.abc import Callable


def run(flush: Callable[[], object], **config: Any) -> None:
    from langchain_core.prompts import ChatPromptTemplate
    from langchain_openai import ChatOpenAI

    model = ChatOpenAI(
        model="gpt-4.1-mini", base_url=f"{stage.URL}/v1", api_key="simulated", max_retries=0, stream_usage=True
    )
    chain = ChatPromptTemplate.from_messages([("user", "{question}")]) | model
    asked = {"question": "How is the weather in Lisbon?"}
    with stage.scene("openai", "langchain_plain", flush, "cached"):
        chain.invoke(asked, config=config or None)
    with stage.scene("openai", "langchain_streamed", flush, "streamed"):
        list(chain.stream(asked, config=config or None))
    with stage.scene("openai", "langchain_refused", flush, "refused"):
        chain.invoke(asked, config=config or None)
