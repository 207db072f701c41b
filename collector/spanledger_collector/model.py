"""What the stages of the collector hand to each other. Plain data: no stage's logic lives here."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

Signal = Literal["traces", "logs", "metrics"]  # of OTLP, as they stand in its URLs
UsageGrade = Literal["measured", "partial", "modelled", "absent"]
CostGrade = Literal["measured", "provider", "modelled", "unknown"]
AttributeValue = str | bool | int | float | bytes | list["AttributeValue"] | dict[str, "AttributeValue"] | None
Attributes = dict[str, AttributeValue]


class NotStored(Exception):
    """The collector cannot take a request now and the sender is to come back: the log is full or its disk failed."""

    def __init__(self, reason: str, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.reason = reason  # one short word, a counter's label
        self.retry_after_s = retry_after_s


@dataclass(slots=True)
class Span:
    """One OTLP span, decoded; times are UTC nanoseconds since the epoch, ids raw bytes."""

    trace_id: bytes  # 16 bytes
    span_id: bytes  # 8 bytes
    parent_span_id: bytes  # 8 bytes, or empty for a root
    name: str
    kind: int  # opentelemetry.proto.trace.v1.Span.SpanKind
    start_ns: int
    end_ns: int
    status: int  # 0 unset, 1 ok, 2 error
    status_message: str
    attributes: Attributes
    resource: Attributes  # shared by the spans of one ResourceSpans: read only
    scope: str  # instrumentation scope name
    event: bool = False  # a log record: its name is the event's, its start and end are the moment it tells of


# Parts of ``Usage.other`` that are tokens.
OTHER_INPUT = frozenset({"image_input", "video_input", "cache_read_audio", "cache_read_image"})
OTHER_OUTPUT = frozenset({"image_output", "video_output", "citation"})


# Of these there is one for every call: a frozen dataclass takes six times as long to make. Nobody changes one.
@dataclass(slots=True, unsafe_hash=True)
class Usage:
    """Disjoint billed parts of one call, in tokens. ``input_tokens`` is their inclusive sum, as the pages show it."""

    uncached_input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    audio_input: int = 0
    output: int = 0  # text and reasoning, without audio
    audio_output: int = 0
    reasoning: int = 0  # of which, inside output: never added to it
    grade: UsageGrade = "measured"
    other: tuple[tuple[str, int], ...] = ()  # (part, count) of what has no field: images, searches, seconds of audio

    @property
    def input_tokens(self) -> int:
        """All input tokens, cached or not."""
        tokens = self.uncached_input + self.cache_read + self.cache_write_5m + self.cache_write_1h + self.audio_input
        return tokens + self._other(OTHER_INPUT) if self.other else tokens

    @property
    def output_tokens(self) -> int:
        """All output tokens, reasoning and audio included."""
        tokens = self.output + self.audio_output
        return tokens + self._other(OTHER_OUTPUT) if self.other else tokens

    def _other(self, kinds: frozenset[str]) -> int:
        return sum(count for part, count in self.other if part in kinds)


@dataclass(slots=True, unsafe_hash=True)
class Cost:
    """US dollars by part, exact. ``total`` is None exactly when the grade is ``unknown``: never zero for unknown."""

    total: Decimal | None
    input: Decimal = Decimal(0)  # uncached text and audio
    cache_read: Decimal = Decimal(0)
    cache_write: Decimal = Decimal(0)
    output: Decimal = Decimal(0)
    other: Decimal = Decimal(0)  # per request, searches, pages, seconds
    grade: CostGrade = "unknown"
    price: str = ""  # which price line: "openai/gpt-4.1@2025-04-14"
    reason: str = ""  # why unknown, in words a reader can act on
    low: Decimal | None = None  # of a modelled cost: 8 of 10 calls like this cost from low to high
    high: Decimal | None = None


UNKNOWN_COST = Cost(total=None)


@dataclass(slots=True)
class Call:
    """One logical, billed call: what a dialect reads from a span. Cost is filled in by pricing."""

    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes
    start_ns: int
    duration_ns: int
    dialect: str
    service: str
    service_version: str
    environment: str
    provider: str
    server_address: str
    operation: str
    request_model: str
    model: str  # the response's model where known, else the requested one
    response_id: str
    stream: bool
    outcome: str  # semconv.OUTCOMES
    error_type: str
    http_status: int  # 0 unknown
    finish_reason: str
    service_tier: str
    attempts: int
    first_chunk_ns: int | None
    usage: Usage | None  # None: the span carried no usage at all
    conversation: str = ""
    prompt_name: str = ""
    prompt_version: str = ""
    feature: str = ""
    team: str = ""
    user: str = ""
    tags: dict[str, str] = field(default_factory=dict)  # all tags, feature, team and user included
    code_file: str = ""
    code_line: int = 0
    code_function: str = ""
    demo: bool = False
    region: str = ""  # where it was processed, when that has a price of its own: "us", "us-east5"
    reported_cost: Decimal | None = None  # US dollars for the whole call, as the provider itself reported them
    input_chars: int | None = None  # characters of prompt text, from which tokens can be modelled
    output_chars: int | None = None
    emitter: str = ""  # who told: the instrumentation scope, or a part of one that tells by itself
    usage_note: str = ""  # what is wrong with the reported counts, in words; empty when they agree
    cost: Cost = UNKNOWN_COST
