"""What a dialect does not carry. Whatever of a row is not named here is the same whoever told of the call."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatch

ROW = "(the call)"


@dataclass(frozen=True)
class Loss:
    """``fields`` differ from the truth in every recording of ``emitter`` that one of ``scenarios`` matches."""

    emitter: str
    scenarios: str  # patterns, a space between them
    fields: str  # columns, a space between them
    why: str

    @property
    def columns(self) -> list[str]:
        return [ROW] if self.fields == ROW else self.fields.split()

    def covers(self, emitter: str, scenario: str) -> bool:
        return emitter == self.emitter and any(fnmatch(scenario, pattern) for pattern in self.scenarios.split())


_NO_STATUS = "no HTTP status but an error's, in its text"
_OTEL_WORDS = "finish reasons in OpenAI's words (`end_turn` is `stop`)"
_ONE_WRITE = "cache writes without their lifetime: all count as five minutes"
_WORKED = "*_plain *_cached *_streamed *_reasoning *_tool"
_CHATS = "openai_plain openai_cached openai_streamed openai_reasoning openai_tool"
_RESPONSES = "responses_plain responses_cached responses_streamed responses_reasoning"
_MESSAGES = "anthropic_plain anthropic_cached anthropic_streamed anthropic_reasoning anthropic_tool"
_LIFETIMES = "cache_write_5m cache_write_1h"

LOSSES = (
    Loss("otel_genai", f"{_WORKED} *_embeddings", "http_status", _NO_STATUS),
    Loss("otel_genai", _MESSAGES, "finish_reason", _OTEL_WORDS),
    Loss("otel_genai", _MESSAGES, "service_tier", "Anthropic's service tier"),
    Loss("otel_genai", "anthropic_cached", _LIFETIMES, _ONE_WRITE),
    Loss("openinference", f"{_WORKED} *_embeddings", "http_status", _NO_STATUS),
    Loss("openinference", "openai_streamed langchain_streamed", "response_id", "the id of a stream's reply"),
    Loss("openinference", f"{_CHATS} {_RESPONSES} {_MESSAGES} langchain_plain langchain_streamed", "service_tier",
         "the service tier that answered"),
    Loss("openinference", "anthropic_cached", _LIFETIMES, _ONE_WRITE),
    Loss("openllmetry", f"{_WORKED} *_embeddings", "http_status", _NO_STATUS),
    Loss("openllmetry", _MESSAGES, "finish_reason", _OTEL_WORDS),
    Loss("openllmetry", f"{_MESSAGES} *_streamed langchain_plain", "service_tier",
         "the service tier, of streams, of Anthropic and of LangChain"),
    Loss("openllmetry", "anthropic_cached", _LIFETIMES, _ONE_WRITE),
    Loss("openllmetry", "anthropic_streamed", "output",
         "the first count of a stream is added to the last: output is too high by it (mostly 1)"),
    Loss("openllmetry", "anthropic_reasoning", "reasoning", "Anthropic's thinking tokens, which are inside the output"),
    Loss("openllmetry", "langchain_streamed", "response_id stream", "LangChain's streams: that they are, and their id"),
    Loss("openlit", f"{_WORKED} *_embeddings", "http_status", _NO_STATUS),
    Loss("openlit", _MESSAGES, "service_tier", "Anthropic's service tier"),
    Loss("openlit", "anthropic_cached", _LIFETIMES, _ONE_WRITE),
    Loss("openlit", "anthropic_reasoning openai_reasoning", "reasoning",
         "reasoning tokens, which are inside the output, but for the Responses API"),
    Loss("langfuse", f"{_WORKED} *_embeddings", "http_status", _NO_STATUS),
    Loss("langfuse", _WORKED, "response_id", "the reply's id"),
    Loss("langfuse", "openai_plain openai_cached openai_reasoning openai_tool langchain_plain", "finish_reason",
         "finish reasons, but of its openai wrapper's streams"),
    Loss("langfuse", "*_refused", "error_type", "the class of an error: its text only"),
    Loss("logfire", f"{_WORKED} *_embeddings", "http_status", _NO_STATUS),
    Loss("logfire", f"{_CHATS} {_RESPONSES}", "service_tier", "OpenAI's service tier"),
    Loss("pydantic_ai", f"{_WORKED}", "http_status", _NO_STATUS),
    Loss("pydantic_ai", _MESSAGES, "finish_reason", _OTEL_WORDS),
    Loss("pydantic_ai", f"{_CHATS} {_MESSAGES}", "service_tier", "the service tier"),
    Loss("pydantic_ai", "anthropic_plain anthropic_cached anthropic_reasoning anthropic_tool anthropic_refused",
         "stream", "that it streams from Anthropic though the application did not"),
    Loss("vercel", f"{_WORKED} *_embeddings *_refused", "http_status", "any HTTP status"),
    Loss("vercel", _MESSAGES, "finish_reason", _OTEL_WORDS),
    Loss("vercel", f"{_CHATS} {_MESSAGES}", "service_tier", "the service tier, but of OpenAI's Responses API"),
    Loss("vercel", "anthropic_cached", _LIFETIMES, _ONE_WRITE),
    Loss("vercel_7", f"{_WORKED} *_embeddings", "http_status", _NO_STATUS),
    Loss("vercel_7", _MESSAGES, "finish_reason", _OTEL_WORDS),
    Loss("vercel_7", f"{_CHATS} {_RESPONSES} responses_tool {_MESSAGES}", "service_tier", "the service tier"),
    Loss("vercel_7", "anthropic_cached", _LIFETIMES, _ONE_WRITE),
    Loss("vercel_7", "*_reasoning", "reasoning", "reasoning tokens, which are inside the output"),
    Loss("litellm", _WORKED, "http_status", _NO_STATUS),
    Loss("litellm", "over_openai_plain over_openai_cached over_openai_streamed over_openai_reasoning", "service_tier",
         "what OpenInference's openai instrumentor loses, where it keeps the bill"),
    Loss("litellm", "over_openai_streamed", "response_id", "the same"),
    Loss("claude_code", "*_plain *_cached *_reasoning *_traced", "http_status", "the HTTP status of what went well"),
    Loss("claude_code", "*_plain *_cached *_reasoning *_traced", "response_id finish_reason service_tier",
         "the reply's id, finish reason and service tier"),
    Loss("claude_code", "*", "stream", "that every request is streamed"),
    Loss("claude_code", "*_cached *_traced", _LIFETIMES, _ONE_WRITE),
    Loss("claude_code", "*_reasoning", "reasoning", "thinking tokens, which are inside the output"),
    Loss("codex", "*_plain *_cached *_reasoning", "http_status response_id service_tier",
         "the HTTP status of what went well, the reply's id and service tier"),
    Loss("codex", "*_refused", ROW, "`codex exec` ends without telling when its only request fails"),
    Loss("gemini_cli", "*_plain *_cached *_reasoning", "response_id", "the reply's id"),
    Loss("gemini_cli", "*_plain *_cached *_reasoning", "finish_reason",
         "finish reasons in their case (`STOP` is `stop`)"),
    Loss("gemini_cli", "*", "stream", "that every request is streamed"),
)  # fmt: skip


def declared(emitter: str, scenario: str) -> set[str]:
    return {name for loss in LOSSES if loss.covers(emitter, scenario) for name in loss.columns}


def table() -> str:
    """The losses as docs/dialects.md has them."""
    lines = ["| dialect | columns | not carried |", "|---|---|---|"]
    lines += [f"| {loss.emitter} | {', '.join(loss.columns)} | {loss.why} |"
              for loss in LOSSES]  # fmt: skip
    return "\n".join(lines)
