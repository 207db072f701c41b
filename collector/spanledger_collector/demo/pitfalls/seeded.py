"""What a pitfall and its clean twin are made of: a day's calls of one feature, and how they become spans."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from spanledger import semconv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from spanledger_collector.demo.history.wire import Value
    from spanledger_collector.demo.pitfalls.prompt import Prompt

CLIENT: Final = 3
INTERNAL: Final = 1
SERVER: Final = 2
INPUT: Final = 20_000  # tokens of a call, if nothing else is said
OUTPUT: Final = 500
CALLS: Final = 20  # of a feature on a day
GAP_S: Final = 60.0
DAYS: Final = 4  # before the demo was first started
WEEKS_DAYS: Final = 21  # of what shows over weeks alone
RELEASE: Final = 2  # days before that, a new version of all services came out


@dataclass(frozen=True, slots=True)
class Day:
    """``number`` 0 is the first day of most pitfalls; what one day's calls have to themselves carries its number."""

    number: int
    leaky: bool  # False: the clean twin
    feature: str = ""

    @property
    def late(self) -> bool:
        return self.number >= DAYS - RELEASE

    @property
    def version(self) -> str:
        return "2.0.0" if self.late else "1.9.0"

    def key(self, *parts: object) -> str:
        return f"{self.feature}/{self.number}/{'/'.join(map(str, parts))}"


@dataclass(slots=True)
class Made:
    """One span. ``trace`` and ``parent`` are names within the day; a span without a trace has one of its own."""

    values: dict[str, Value] = field(default_factory=dict)
    at_s: float | None = None  # after the day's first; None: its place among the calls
    duration_s: float = 1.0
    trace: str = ""
    parent: str = ""
    name: str = ""
    judges: str = ""  # the name of a call that this is a check of
    line: int = 10
    kind: int = CLIENT
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Pitfall:
    """``made`` gives a day's spans in order, of the pitfall or of its clean twin, ``gap_s`` apart.

    They start at another minute each day, unless they go ``by_the_clock``.
    """

    detector: str
    feature: str
    made: Callable[[Day], Iterable[Made]]
    gap_s: float = GAP_S
    by_the_clock: bool = False
    days: int = DAYS  # before the demo was first started

    def starts_s(self, day: Day) -> int:
        """After the hour at which the day's calls begin."""
        return 0 if self.by_the_clock else int.from_bytes(identity(self.feature, day.number)[:2], "big") % 1080


def call(prompt: Prompt | None = None, input_tokens: int = INPUT, output: int = OUTPUT, **more: Value) -> Made:
    """A call to gpt-4.1 that went well; attributes by their semconv constant's name, lower case."""
    values: dict[str, Value] = {
        semconv.OPERATION_NAME: "chat",
        semconv.PROVIDER_NAME: "openai",
        semconv.REQUEST_MODEL: "gpt-4.1",
        semconv.OUTCOME: "ok",
        semconv.USAGE_GRADE: "measured",
        semconv.USAGE_INPUT_TOKENS: input_tokens,
        semconv.USAGE_OUTPUT_TOKENS: output,
        semconv.ATTEMPTS: 1,
    }
    values |= {} if prompt is None else prompt.told()
    return Made(values | {getattr(semconv, name.upper()): value for name, value in more.items()})


def claude(prompt: Prompt | None = None, model: str = "claude-sonnet-4-6", **more: Value) -> Made:
    return call(prompt, **{"provider_name": "anthropic", "request_model": model, **more})  # type: ignore[arg-type]


def failing(**more: Value) -> Made:
    """Refused or broken off: nothing is billed."""
    made = call(**{"outcome": "error", "error_type": "InternalServerError", **more})  # type: ignore[arg-type]
    made.failed = True
    for name in (semconv.USAGE_INPUT_TOKENS, semconv.USAGE_OUTPUT_TOKENS):
        del made.values[name]
    return made


def around(name: str, kind: int = INTERNAL, *, failed: bool = False, **more: Value) -> Made:
    """A span that calls are inside of; they name it as their parent."""
    values = {getattr(semconv, key.upper()): value for key, value in more.items()}
    return Made(values, name=name, trace=name, kind=kind, failed=failed)


def inside(parent: str, made: Made) -> Made:
    made.trace = made.parent = parent
    return made


def identity(*parts: object) -> bytes:
    return blake2b("/".join(map(str, parts)).encode(), digest_size=24).digest()
