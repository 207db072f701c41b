"""Pitfalls of calls: what is asked twice, too often, too dearly or in vain, each beside the same calls without it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spanledger_collector.demo.pitfalls.prompt import Piece, Prompt
from spanledger_collector.demo.pitfalls.seeded import (
    CALLS,
    INPUT,
    OUTPUT,
    Day,
    Made,
    Pitfall,
    around,
    call,
    claude,
    inside,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

ITEMS: Final = 10  # of a list, one call each
RUNAWAY: Final = 200  # calls in one trace
TURNS: Final = 10  # of a conversation
TURN: Final = 2_000  # tokens that each adds
BURST: Final = 60
RUNS: Final = 6  # of a job on a day
RUN: Final = 6
REASONING: Final = 1_950
LONG_INSTRUCTIONS: Final = 2_600
OVER_THE_STEP: Final = 204_000
ATTEMPTS: Final = 3  # of one request
ATTEMPT: Final = 6_000  # tokens that each adds
TRIED: Final = 7  # requests of a day that are
EVERY: Final = 4  # so many-th call goes wrong


def wrong(day: Day, number: int) -> bool:
    return day.leaky and number % EVERY == EVERY - 1


def _repeated(day: Day) -> Iterator[Made]:
    for number in range(CALLS):
        key = day.key("question", 0 if day.leaky else number)
        yield call(Prompt((Piece(key, INPUT),)), request_temperature=0.0)


def _looped(day: Day) -> Iterator[Made]:
    """Ten items below one parent, or four."""
    items = ITEMS if day.leaky else 4
    for number in range(CALLS):
        prompt = Prompt((Piece(day.key("item", number), INPUT // 2),), (Piece("score", INPUT // 2),))
        made = call(prompt, usage_cache_read=0)
        yield inside(day.key("list", day.leaky, number // items), made)


def _run_away(day: Day) -> Iterator[Made]:
    for number in range(RUNAWAY if day.leaky else CALLS):
        made = inside(day.key("agent", 0 if day.leaky else number), call(input_tokens=2_000))
        made.at_s = number * 8.0
        yield made


def _resent(day: Day) -> Iterator[Made]:
    for number in range(CALLS):
        turn, chat = number % TURNS, day.key("chat", number // TURNS if day.leaky else number)
        yield call(input_tokens=TURN * (turn + 1), conversation_id=chat)


def _wordy(day: Day) -> Iterator[Made]:
    for number in range(2 * CALLS):
        system = LONG_INSTRUCTIONS if day.leaky else LONG_INSTRUCTIONS // 10
        prompt = Prompt((Piece(day.key("question", number), 3_000 - system),), (Piece("instructions", system),))
        made = claude(prompt, "claude-opus-4-5", input_tokens=3_000, output=50)
        made.at_s = number * 30.0
        yield made


def _burst(day: Day) -> Iterator[Made]:
    for number in range(BURST):
        made = call()
        made.at_s = number * 1.0
        yield made if day.leaky else inside(day.key("request", number), made)


def _by_the_clock(day: Day) -> Iterator[Made]:
    """A job every hour, too slow for a burst, of which one call is refused at first; or at no minute of its own."""
    for number in range(RUNS * RUN):
        run, place = divmod(number, RUN)
        refused = {"attempts": 2, "attempt_statuses": (429, 200), "attempt_waits": (1.0 + number / 10, 0.0)}
        made = call(**(refused if place == 0 else {}))  # type: ignore[arg-type]
        made.at_s = run * 3600.0 + place * 40.0 + (0 if day.leaky else (run * 17 + day.number * 29) % 53 * 60)
        yield made


def _simple(day: Day) -> Iterator[Made]:
    for _ in range(CALLS):
        yield call(output=10 if day.leaky else 600, output_type="json")


def _reasoned(day: Day) -> Iterator[Made]:
    for _ in range(CALLS):
        yield call(request_model="gpt-5", output=2_000, usage_reasoning=REASONING if day.leaky else 600)


def _unlimited(day: Day) -> Iterator[Made]:
    for _ in range(2 * CALLS):
        yield call(input_tokens=2_000, request_max_tokens=16_000 if day.leaky else 1_000)


def _over_the_step(day: Day) -> Iterator[Made]:
    tokens = OVER_THE_STEP if day.leaky else 196_000
    for _ in range(CALLS):
        yield call(input_tokens=tokens, provider_name="gcp.gemini", request_model="gemini-2.5-pro")


def _invalid(day: Day) -> Iterator[Made]:
    for number in range(CALLS):
        failed = wrong(day, number)
        yield call(
            validation_outcome="failed" if failed else "ok",
            validation_schema="Invoice",
            validation_fields=("invoice.total",) if failed else (),
            validation_errors=("decimal_parsing",) if failed else (),
        )


def _cut(day: Day) -> Iterator[Made]:
    for number in range(CALLS):
        cut = wrong(day, number)
        yield call(
            validation_outcome="failed" if cut else "ok",
            validation_schema="Report",
            response_finish_reasons=("length" if cut else "stop",),
            request_max_tokens=OUTPUT,
        )


def _grown(day: Day) -> Iterator[Made]:
    """A framework asks again and again, with all replies so far, or with the errors alone."""
    for request in range(TRIED):
        for attempt in range(ATTEMPTS):
            tokens = ATTEMPT * (attempt + 1) if day.leaky else ATTEMPT
            made = inside(day.key("try", request), call(input_tokens=tokens))
            made.at_s = request * 180.0 + attempt * 5
            yield made
        yield _framework(day, request)


def _framework(day: Day, request: int) -> Made:
    made = around(day.key("try", request), tries=ATTEMPTS, framework="instructor")
    made.at_s, made.duration_s = request * 180.0, 20.0
    return made


def _warm(day: Day) -> Iterator[Made]:
    for _ in range(CALLS):
        yield call(request_temperature=0.9 if day.leaky else 0.0, output_type="json")


def _drifted(day: Day) -> Iterator[Made]:
    """From the second day on the prompt is another and twice as long, and no release says so."""
    for number in range(CALLS):
        changed = day.leaky and day.number > 0
        tokens = (12_000 if changed else 6_000) + number % 3
        system = (Piece("new rules" if changed else "rules", 200),)
        yield call(Prompt((Piece(day.key("question", number), tokens - 200),), system), tokens)


def _documents(day: Day) -> Iterator[Made]:
    for number in range(CALLS):
        document, rest = (Piece(day.key("document", number), 1_500),), (Piece("answer from it", 500),)
        yield call(Prompt(rest, document) if day.leaky else Prompt(document, rest), 2_000)


def _refused(day: Day) -> Iterator[Made]:
    for number in range(CALLS):
        refused = day.leaky and day.late and number % 2
        yield call(response_finish_reasons=("content_filter" if refused else "stop",))


def _left(day: Day) -> Iterator[Made]:
    for number in range(CALLS):
        yield call(request_stream=True, outcome="abandoned" if wrong(day, number) else "ok")


CALL_PITFALLS: Final = (
    Pitfall("D23", "asked-again", _repeated),
    Pitfall("D24", "one-call-an-item", _looped),
    Pitfall("D25", "agent-without-end", _run_away),
    Pitfall("D26", "history-sent-again", _resent),
    Pitfall("D27", "long-instructions", _wordy),
    Pitfall("D28", "nightly-burst", _burst),
    Pitfall("D28b", "job-on-the-hour", _by_the_clock, by_the_clock=True),
    Pitfall("D29", "labels-by-a-large-model", _simple),
    Pitfall("D30", "thoughts-for-a-word", _reasoned),
    Pitfall("D30b", "limit-nobody-needs", _unlimited),
    Pitfall("D30c", "just-over-the-step", _over_the_step),
    Pitfall("D36", "total-does-not-parse", _invalid),
    Pitfall("D37", "report-cut-short", _cut),
    Pitfall("D38", "retries-that-grow", _grown),
    Pitfall("D40", "warm-extraction", _warm),
    Pitfall("D42", "prompt-changed-in-silence", _drifted),
    Pitfall("D43", "documents-in-the-system", _documents),
    Pitfall("D44", "refused-since-a-release", _refused),
    Pitfall("D45", "reader-gone", _left),
)
