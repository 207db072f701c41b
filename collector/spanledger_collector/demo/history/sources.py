"""Where the history's calls come from: one entry per line of a service that calls a model, with its usual figures."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from spanledger import semconv
from spanledger_collector.demo.fleet.catalogue import (
    INVOICE_EXTRACTION,
    POLICY_SEARCH,
    SCRIPTS,
    SUPPORT_ASSISTANT,
    TICKET_TRIAGE,
    TRAVEL_AGENT,
    Service,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spanledger_collector.demo.history.seasons import Rhythm
    from spanledger_collector.demo.history.wire import Value

CALLING_METHODS = ("create", "parse", "stream")
TUNED_MODEL = "ft:gpt-4.1-nano-2025-04-14:acme:tickets:Bx2kQ7"


@dataclass(frozen=True, slots=True)
class Source:
    """One call site. Tokens as (median, spread of the logarithm); ``cached``: (share of calls that hit, tokens)."""

    name: str
    service: Service
    function: str  # in the service's script: the call site
    provider: str
    model: str
    share: float  # of all calls, relative to the other sources
    rhythm: Rhythm
    input: tuple[int, float]
    output: tuple[int, float] = (0, 0.0)
    cached: tuple[float, int] = (0.0, 0)
    written: bool = False  # what misses the cache is written to it, and charged
    operation: str = "chat"
    stream: bool = False
    told_usage: bool = True
    reasoning: float = 0.0  # share of the output
    first_chunk_s: float = 0.5
    seconds_per_token: float = 0.011
    schema: str = ""
    invalid_share: float = 0.0
    repeats: int = 0  # so many different requests, again and again; 0: never the same
    system_varies: bool = False  # a time of day stands in front
    instructions: int = 0  # tokens in front that are the same in every call, tools included; 0: no fingerprints
    tools: int = 0
    arguments: Mapping[str, Value] = field(default_factory=dict)


SOURCES: tuple[Source, ...] = (
    Source(
        "answer", SUPPORT_ASSISTANT, "answer", "openai", "gpt-4.1", 30.0, "shop", (1560, 0.12), (210, 0.5),
        stream=True, first_chunk_s=0.55, system_varies=True, instructions=1480,
        arguments={semconv.REQUEST_TEMPERATURE: 0.3},
    ),
    Source(
        "hand-over", SUPPORT_ASSISTANT, "hand_over", "openai", "gpt-4.1-mini", 10.0, "shop", (1840, 0.1), (95, 0.2),
        cached=(0.82, 1280), instructions=1400, arguments={semconv.REQUEST_MAX_TOKENS: 120},
    ),
    Source(
        "extract", INVOICE_EXTRACTION, "extract", "openai", "gpt-4.1-mini", 13.0, "office", (920, 0.35), (160, 0.3),
        schema="Invoice", invalid_share=0.06, instructions=260,
        arguments={semconv.REQUEST_TEMPERATURE: 0.0, semconv.OUTPUT_TYPE: "json"},
    ),
    Source(
        "classify", TICKET_TRIAGE, "classify", "openai", "gpt-4.1-nano", 14.0, "night", (140, 0.4), (3, 0.3),
        first_chunk_s=0.3, repeats=400, instructions=60,
        arguments={semconv.REQUEST_TEMPERATURE: 0.0, semconv.REQUEST_MAX_TOKENS: 8},
    ),
    Source(
        "classify-tuned", TICKET_TRIAGE, "classify", "openai", TUNED_MODEL, 5.0, "night", (140, 0.4), (3, 0.3),
        first_chunk_s=0.35, repeats=200, instructions=60,
        arguments={semconv.REQUEST_TEMPERATURE: 0.0, semconv.REQUEST_MAX_TOKENS: 8},
    ),
    Source(
        "embed", POLICY_SEARCH, "embed", "openai", "text-embedding-3-small", 10.0, "office", (24, 0.5),
        operation="embeddings", first_chunk_s=0.12,
    ),
    Source(
        "respond", POLICY_SEARCH, "respond", "openai", "gpt-5-mini", 8.0, "office", (760, 0.3), (420, 0.5),
        reasoning=0.5, first_chunk_s=0.9,
    ),
    Source(
        "preview", POLICY_SEARCH, "preview", "openai", "gpt-4.1-nano", 2.0, "office", (20, 0.3), (70, 0.4),
        stream=True, told_usage=False, first_chunk_s=0.25,
    ),
    Source(
        "plan", TRAVEL_AGENT, "plan", "anthropic", "claude-sonnet-4-6", 9.0, "office", (5200, 0.18), (240, 0.4),
        cached=(0.93, 4350), written=True, instructions=4350, tools=130, first_chunk_s=1.1, seconds_per_token=0.014,
        arguments={semconv.REQUEST_MAX_TOKENS: 600},
    ),
    Source(
        "title", TRAVEL_AGENT, "title", "anthropic", "claude-haiku-4-5", 4.0, "office", (22, 0.2), (9, 0.3),
        stream=True, first_chunk_s=0.4, arguments={semconv.REQUEST_MAX_TOKENS: 40},
    ),
)  # fmt: skip


@lru_cache
def call_line(service: Service, function: str) -> int:
    """The line of the service's script on which a function calls a model, as the library would report it."""
    tree = ast.parse((SCRIPTS / service.script).read_text(encoding="utf-8"))
    body = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function)
    calls = (node for node in ast.walk(body) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute))
    return next(node.lineno for node in calls if node.func.attr in CALLING_METHODS)  # type: ignore[attr-defined]
