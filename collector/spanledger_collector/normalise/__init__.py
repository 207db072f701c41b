"""A span of any dialect becomes one billed call, or none: structure and free operations are not billed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from spanledger_collector.normalise import (
    anthropic_native,
    claude_code,
    codex,
    gemini_cli,
    langfuse,
    litellm,
    logfire,
    mistral_native,
    openinference,
    openlit,
    openllmetry,
    otel_genai,
    pydantic_ai,
    vercel,
    vercel_otel,
)

if TYPE_CHECKING:
    from spanledger_collector.model import Call, Span

__all__ = ["DIALECTS", "EVENT_DIALECTS", "to_call"]


class Dialect(Protocol):
    """One emitter's way of writing a call down: a module of this package."""

    def recognises(self, span: Span) -> bool:
        """Whether the span is written in this dialect, billed or not."""
        ...

    def read(self, span: Span) -> Call | None:
        """The call, or None for structure and free operations; never raises, whatever the attributes hold."""
        ...


# The first that recognises a span reads it: the narrower dialect stands before the wider.
DIALECTS: tuple[Dialect, ...] = (
    anthropic_native,
    mistral_native,
    logfire,
    pydantic_ai,
    litellm,
    langfuse,
    vercel,
    vercel_otel,
    openinference,
    openlit,
    openllmetry,
    otel_genai,
)
# Of log records: emitters whose calls are events without a span. An event beside a span would be the same bill again.
EVENT_DIALECTS: tuple[Dialect, ...] = (claude_code, codex, gemini_cli)


def to_call(span: Span) -> Call | None:
    """The billed call a span stands for, without its cost; None for spans that are no bill."""
    for dialect in EVENT_DIALECTS if span.event else DIALECTS:
        if dialect.recognises(span):
            return dialect.read(span)
    return None
