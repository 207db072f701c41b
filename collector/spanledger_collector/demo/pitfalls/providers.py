"""Pitfalls of a provider that fails or is slow, and of telemetry that does not say all; beside each its clean twin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spanledger import semconv
from spanledger_collector.demo.pitfalls.calls import wrong
from spanledger_collector.demo.pitfalls.seeded import (
    CALLS,
    DAYS,
    SERVER,
    WEEKS_DAYS,
    Day,
    Made,
    Pitfall,
    around,
    call,
    claude,
    failing,
    identity,
    inside,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

OUTAGE: Final = range(40, 50)  # minutes of an hour, when no fallback of the day is left
PER_MINUTE: Final = 10
SERIAL: Final = 3
LIMIT: Final = 30_000_000
GROWING: Final = 6  # calls of a day


def _tried(day: Day, model: str, status: int, waits: tuple[float, ...]) -> Iterator[Made]:
    for _ in range(CALLS):
        if not day.leaky:
            yield call(request_model=model)
            continue
        attempts = len(waits) + 1
        yield call(
            request_model=model,
            attempts=attempts,
            attempt_statuses=(*(status,) * len(waits), 200),
            attempt_errors=("",) * attempts,
            attempt_durations=(*(0.2,) * len(waits), 0.5),
            attempt_waits=(*waits, 0.0),
            attempt_retry_afters=(-1.0,) * attempts,
        )


def _amplified(day: Day) -> Iterator[Made]:
    return _tried(day, "gpt-4o", 500, (1.0, 2.5))


def _hasty(day: Day) -> Iterator[Made]:
    return _tried(day, "gpt-4o-mini", 429, (0.1, 0.1))


def _in_step(day: Day) -> Iterator[Made]:
    """Four times a day five calls are refused together and come back together, two seconds later or one by one."""
    for number in range(CALLS):
        wave, place = divmod(number, 5)
        wait = 2.0 if day.leaky else 1.2 + (number * 7 + day.number) % CALLS / 8
        made = call(
            attempts=2,
            attempt_statuses=(429, 200),
            attempt_errors=("", ""),
            attempt_durations=(0.2, 0.5),
            attempt_waits=(wait, 0.0),
            attempt_retry_afters=(-1.0, -1.0),
        )
        made.at_s = wave * 900.0 + (wave * 17 + day.number * 23) % 60 * 10 + place / 100
        yield made


def _futile(day: Day) -> Iterator[Made]:
    return _tried(day, "gpt-4.1-mini", 422, (1.0,))


def _stuck(day: Day) -> Iterator[Made]:
    """With the SDK's timeout of ten minutes, or with one of half a minute; each day one call hangs."""
    for number in range(CALLS):
        hangs = day.leaky and number == CALLS - 1
        made = failing() if hangs else call()
        made.values[semconv.REQUEST_TIMEOUT] = 600.0 if day.leaky else 30.0
        made.duration_s = 300.0 if hangs else 1.0
        yield made


def _cut_off(day: Day) -> Iterator[Made]:
    for number in range(CALLS):
        if wrong(day, number):
            made = failing(error_type="APITimeoutError")
            made.duration_s = 30.0 + number / 100
        else:
            made = call()
        yield made


def _dead_provider(day: Day) -> Iterator[Made]:
    """An hour at ten calls a minute, ten minutes of which nobody answers; or the calls stop meanwhile."""
    for minute in range(60 if day.number == 1 else 0):
        down = minute in OUTAGE
        for number in range(1 if down and not day.leaky else PER_MINUTE):
            made = failing(request_model="gpt-4.1-nano") if down else call(None, 200, 20, request_model="gpt-4.1-nano")
            made.at_s = minute * 60.0 + number
            yield made


def _fallback(day: Day) -> Iterator[Made]:
    for number in range(CALLS):
        if not day.leaky or number % 2:
            yield call()
            continue
        first = failing()
        first.at_s = number * 60.0
        second = claude(fallback_from="gpt-4.1", logical_ordinal=2, logical_id=identity(day.key(number))[:8].hex())
        second.at_s, second.line = number * 60.0 + 2, 20
        yield first
        yield second


def _unstreamed(day: Day) -> Iterator[Made]:
    """Somebody waits for nineteen seconds; or reads along."""
    for number in range(CALLS):
        request = around(day.key("request", number), SERVER)
        request.at_s, request.duration_s = number * 60.0, 20.0
        made = inside(request.name, call(output=900))
        if not day.leaky:
            made.values[semconv.REQUEST_STREAM] = True
        made.at_s, made.duration_s = number * 60.0, 19.0
        yield request
        yield made


def _held_back(day: Day) -> Iterator[Made]:
    for _ in range(CALLS):
        first = 3.9 if day.leaky else 0.4
        made = call(request_stream=True, response_time_to_first_chunk=first)
        made.duration_s = 4.0
        yield made


def _near_the_limit(day: Day) -> Iterator[Made]:
    for _ in range(CALLS):
        made = call()
        made.values[f"{semconv.RATE_LIMIT_PREFIX}tokens.limit"] = LIMIT
        made.values[f"{semconv.RATE_LIMIT_PREFIX}tokens.remaining"] = LIMIT // 100 if day.leaky else LIMIT // 2
        yield made


def _towards_the_limit(day: Day) -> Iterator[Made]:
    """Each day the busiest moment takes a little more of the limit, less on two days of seven; or always as much."""
    used = 0.6 if not day.leaky else 0.7 + 0.015 * (day.number - DAYS + 1)
    for number in range(GROWING):
        made = call(None, 1_000, 100, request_model="gpt-4.1-nano")
        share = used * (0.8 if day.number % 7 in (5, 6) else 1.0) - number / 100
        made.values[f"{semconv.RATE_LIMIT_PREFIX}tokens.limit"] = LIMIT
        made.values[f"{semconv.RATE_LIMIT_PREFIX}tokens.remaining"] = max(0, int(LIMIT * (1 - share)))
        yield made


def _serial(day: Day) -> Iterator[Made]:
    """Three calls of a request in a row; or each after the one before it is sent the reply of that."""
    for request in range(CALLS // SERIAL):
        reply = 0
        for place in range(SERIAL):
            size = 4_000 + 7 * (request * 5 + place * 3) % 40 + (0 if day.leaky else reply)
            reply = 200 + 97 * (day.number * 3 + request * 7 + place * 11) % 900
            made = inside(day.key("request", request), call(None, 1_000, 100, input_chars=size, output_chars=reply))
            made.at_s, made.duration_s, made.line = request * 180.0 + place * 2.01, 2.0, 10 + place
            yield made


def _unpriced(day: Day) -> Iterator[Made]:
    for _ in range(CALLS):
        yield call(request_model="acme-nova-1" if day.leaky else "gpt-4.1")


def _untold(day: Day) -> Iterator[Made]:
    for _ in range(CALLS):
        made = call(request_stream=True, input_chars=4_000)
        if day.leaky:
            made.values[semconv.USAGE_GRADE] = "absent"
            for name in (semconv.USAGE_INPUT_TOKENS, semconv.USAGE_OUTPUT_TOKENS):
                del made.values[name]
        yield made


def _twice(day: Day) -> Iterator[Made]:
    """One reply in two spans."""
    for number in range(2 * CALLS):
        reply = number // 2 if day.leaky else number
        made = call(None, 1_000, 100, response_id=f"chatcmpl-{day.key(day.leaky, reply)}")
        made.at_s = number * 30.0
        yield made


def _contradicting(day: Day) -> Iterator[Made]:
    for _ in range(CALLS):
        yield call(None, 1_000, 100, usage_cache_read=5_000 if day.leaky else 0)


def _parsed(day: Day) -> Iterator[Made]:
    """Read as JSON after the call; each fourth reply is none. Or the form was asked for."""
    for number in range(CALLS):
        trace = day.key("parsed", number)
        made = call(**({} if day.leaky else {"output_type": "json"}))  # type: ignore[arg-type]
        made.trace, made.name, made.at_s = trace, trace, number * 60.0
        outcome = "failed" if wrong(day, number) else "ok"
        check = around(f"{trace} check", validation_by="pydantic", validation_outcome=outcome)
        check.judges, check.trace, check.at_s, check.duration_s = trace, trace, number * 60.0 + 1, 0.0
        yield made
        yield check


def _reaching_the_user(day: Day) -> Iterator[Made]:
    for number in range(CALLS):
        failed = number % 4 == 0
        request = around(day.key("request", number), SERVER, failed=failed and day.leaky)
        request.at_s, request.duration_s = number * 60.0, 2.0
        made = inside(request.name, failing() if failed else call())
        made.at_s = number * 60.0
        yield request
        yield made


PROVIDERS: Final = (
    Pitfall("D12", "retries-of-retries", _amplified),
    Pitfall("D13", "no-back-off", _hasty),
    Pitfall("D13b", "waits-in-step", _in_step),
    Pitfall("D14", "invalid-sent-again", _futile),
    Pitfall("D15", "default-timeout", _stuck),
    Pitfall("D16", "timeout-too-tight", _cut_off),
    Pitfall("D17", "no-breaker", _dead_provider),
    Pitfall("D18", "always-the-fallback", _fallback),
    Pitfall("D19", "long-wait", _unstreamed),
    Pitfall("D20", "stream-held-back", _held_back),
    Pitfall("D21", "limit-nearly-used", _near_the_limit),
    Pitfall("D21b", "towards-the-limit", _towards_the_limit, days=WEEKS_DAYS),
    Pitfall("D22", "one-after-the-other", _serial),
    Pitfall("D31", "model-without-a-price", _unpriced),
    Pitfall("D32", "stream-without-usage", _untold),
    Pitfall("D33", "told-twice", _twice),
    Pitfall("D34", "counts-that-contradict", _contradicting),
    Pitfall("D39", "json-out-of-text", _parsed),
    Pitfall("D41", "errors-for-the-user", _reaching_the_user),
)
