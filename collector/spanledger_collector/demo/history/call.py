"""One made-up call: its usage, its times, its luck, as the attributes the library would have put on the span."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from spanledger import semconv
from spanledger_collector.demo.history.incidents import Failure
from spanledger_collector.demo.history.prompt import CHARS_PER_TOKEN, fingerprints

if TYPE_CHECKING:
    from random import Random

    from spanledger_collector.demo.history.incidents import Effect
    from spanledger_collector.demo.history.sources import Source
    from spanledger_collector.demo.history.wire import Value

TIMEOUT_S = 600.0
MAX_RETRIES = 2
RETRIED_SHARE = 0.012
RETRY_WAIT_S = 0.6
LIMITS = {"openai": {"requests": 10_000, "tokens": 30_000_000}, "anthropic": {"requests": 4_000, "tokens": 2_000_000}}
HOSTS = {"openai": "api.openai.com", "anthropic": "api.anthropic.com"}
USUAL_FAILURES = (
    Failure("InternalServerError", 500, 0.0025),
    Failure("RateLimitError", 429, 0.002),
    Failure("APITimeoutError", 0, 0.0005),
    Failure("BadRequestError", 400, 0.001, attempts=1),
)


@dataclass(slots=True)
class Drawn:
    """Attributes worth remembering and not, and how long the call took."""

    values: dict[str, Value]
    unique: dict[str, Value] = field(default_factory=dict)
    duration_s: float = 0.0
    failed: bool = False


def draw(source: Source, random: Random, effect: Effect) -> Drawn:
    """The next call of a source."""
    drawn = Drawn(_request(source))
    drawn.unique[semconv.FINGERPRINT_REQUEST] = _fingerprint(source, random)
    input_tokens = _tokens(source.input, random)
    if source.instructions:
        drawn.unique |= fingerprints(source, random, input_tokens, id_in_front=effect.cache_lost)
    drawn.values[semconv.INPUT_CHARS] = input_tokens * CHARS_PER_TOKEN
    failure = _failure(random, effect)
    if failure is None:
        _answered(drawn, source, random, effect, input_tokens)
    else:
        _refused(drawn, source, random, failure)
    return drawn


def _request(source: Source) -> dict[str, Value]:
    values: dict[str, Value] = {
        **source.arguments,
        semconv.PROVIDER_NAME: source.provider,
        semconv.SERVER_ADDRESS: HOSTS[source.provider],
        semconv.SERVER_PORT: 443,
        semconv.OPERATION_NAME: source.operation,
        semconv.REQUEST_MODEL: source.model,
        semconv.REQUEST_TIMEOUT: TIMEOUT_S,
        semconv.REQUEST_MAX_RETRIES: MAX_RETRIES,
        semconv.TAG_PREFIX + "team": source.service.team,
        semconv.TAG_PREFIX + "feature": source.service.feature,
    }
    if source.stream:
        values[semconv.REQUEST_STREAM] = True
    return values


def _fingerprint(source: Source, random: Random) -> str:
    """Repeated requests have the same one."""
    if not source.repeats:
        return random.randbytes(16).hex()
    return f"{random.randrange(source.repeats) * 0x9E3779B97F4A7C15:032x}"


def _tokens(figures: tuple[int, float], random: Random) -> int:
    median, spread = figures
    return max(1, round(random.lognormvariate(math.log(median), spread))) if median else 0


def _failure(random: Random, effect: Effect) -> Failure | None:
    chance = random.random()
    for failure in (effect.failure, *USUAL_FAILURES) if effect.failure else USUAL_FAILURES:
        chance -= failure.share
        if chance < 0:
            return failure
    return None


def _answered(drawn: Drawn, source: Source, random: Random, effect: Effect, input_tokens: int) -> None:
    output_tokens = _tokens(source.output, random)
    first_chunk_s = source.first_chunk_s * random.lognormvariate(0, 0.35)
    reply_s = first_chunk_s + output_tokens * source.seconds_per_token * random.lognormvariate(0, 0.15)
    values = drawn.values
    values[semconv.RESPONSE_MODEL] = source.model
    values[semconv.HTTP_STATUS] = 200
    values[semconv.OUTCOME] = "ok"
    if source.operation == "chat":
        _reply(drawn, source, random, output_tokens)
    if source.told_usage:
        _usage(values, source, random, effect, (input_tokens, output_tokens))
    values[semconv.USAGE_GRADE] = "measured" if source.told_usage else "absent"
    waited_s = _attempts(drawn, random, reply_s)
    if source.stream:
        drawn.unique[semconv.RESPONSE_TIME_TO_FIRST_CHUNK] = waited_s + first_chunk_s
    spoken = values.get(semconv.USAGE_OUTPUT_TOKENS)
    if isinstance(spoken, int) and spoken:
        speaking_s = reply_s - first_chunk_s if source.stream else waited_s + reply_s
        drawn.unique[semconv.OUTPUT_TOKENS_PER_SECOND] = spoken / speaking_s
    if source.schema:
        _validate(drawn, source, random)
    _rate_limits(values, source, random)
    drawn.duration_s = waited_s + reply_s


def _reply(drawn: Drawn, source: Source, random: Random, output_tokens: int) -> None:
    values = drawn.values
    most = source.arguments.get(semconv.REQUEST_MAX_TOKENS)
    cut = isinstance(most, int) and output_tokens >= most
    anthropic = source.provider == "anthropic"
    responses = source.name == "respond"
    finish = ("max_tokens", "end_turn") if anthropic else ("length", "completed" if responses else "stop")
    prefix = "msg_" if anthropic else "resp_" if responses else "chatcmpl-"
    values[semconv.RESPONSE_FINISH_REASONS] = (finish[0] if cut else finish[1],)
    values[semconv.OUTPUT_CHARS] = output_tokens * CHARS_PER_TOKEN
    values[semconv.SERVICE_TIER] = "standard" if anthropic else "default"
    drawn.unique[semconv.RESPONSE_ID] = prefix + random.randbytes(16).hex()


def _usage(values: dict[str, Value], source: Source, random: Random, effect: Effect, sizes: tuple[int, int]) -> None:
    """``sizes``: input and output tokens, all included."""
    values[semconv.USAGE_INPUT_TOKENS] = sizes[0]
    if source.operation != "chat":
        return
    share, cached = source.cached
    most = source.arguments.get(semconv.REQUEST_MAX_TOKENS)
    cached = min(cached, sizes[0])
    hit = random.random() < share and not effect.cache_lost
    values[semconv.USAGE_OUTPUT_TOKENS] = min(sizes[1], most) if isinstance(most, int) else sizes[1]
    values[semconv.USAGE_CACHE_READ] = cached if hit else 0
    if source.provider == "anthropic":
        written = cached if source.written and not hit else 0
        values[semconv.USAGE_CACHE_WRITE] = written
        values[semconv.USAGE_CACHE_WRITE_5M] = written
        values[semconv.USAGE_CACHE_WRITE_1H] = 0
    else:
        values[semconv.USAGE_REASONING] = round(sizes[1] * source.reasoning)


def _attempts(drawn: Drawn, random: Random, reply_s: float) -> float:
    """Now and then the first request is refused; the seconds lost before the one that counts."""
    drawn.values[semconv.ATTEMPTS] = 1
    if random.random() >= RETRIED_SHARE:
        return 0.0
    refused_s, wait_s = random.uniform(0.05, 0.4), RETRY_WAIT_S * random.uniform(1, 3)
    drawn.values[semconv.ATTEMPTS] = 2
    drawn.values[semconv.HTTP_RESEND_COUNT] = 1
    drawn.values[semconv.ATTEMPT_STATUSES] = (429 if random.random() < 0.8 else 500, 200)  # noqa: PLR2004 - mostly
    drawn.values[semconv.ATTEMPT_ERRORS] = ("", "")
    drawn.unique[semconv.ATTEMPT_DURATIONS] = (refused_s, reply_s)
    drawn.unique[semconv.ATTEMPT_WAITS] = (wait_s, 0.0)
    drawn.unique[semconv.ATTEMPT_RETRY_AFTERS] = (wait_s, -1.0)
    return refused_s + wait_s


def _validate(drawn: Drawn, source: Source, random: Random) -> None:
    """The reply is paid for whether it fits the schema or not."""
    values = drawn.values
    values[semconv.VALIDATION_SCHEMA] = source.schema
    values[semconv.VALIDATION_OUTCOME] = "ok"
    if random.random() >= source.invalid_share:
        return
    values[semconv.VALIDATION_OUTCOME] = "failed"
    values[semconv.VALIDATION_FIELDS] = ("vat_percent",)
    values[semconv.VALIDATION_ERRORS] = ("value_error",)
    values[semconv.ERROR_TYPE] = "ValidationError"
    values[semconv.OUTCOME] = "error"
    drawn.failed = True


def _rate_limits(values: dict[str, Value], source: Source, random: Random) -> None:
    for name, limit in LIMITS[source.provider].items():
        values[f"{semconv.RATE_LIMIT_PREFIX}{name}.limit"] = limit
        left = limit - limit // 200 * random.randrange(60)  # coarse, so that the bytes are remembered
        values[f"{semconv.RATE_LIMIT_PREFIX}{name}.remaining"] = left


def _refused(drawn: Drawn, source: Source, random: Random, failure: Failure) -> None:
    attempts = failure.attempts
    each_s = TIMEOUT_S / 20 if not failure.status else random.uniform(0.1, 1.5)
    waits = tuple(RETRY_WAIT_S * 2**number for number in range(attempts - 1))
    values = drawn.values
    values[semconv.ERROR_TYPE] = failure.error
    values[semconv.OUTCOME] = "error"
    values[semconv.USAGE_GRADE] = "absent"
    values[semconv.ATTEMPTS] = attempts
    if failure.status:
        values[semconv.HTTP_STATUS] = failure.status
        _rate_limits(values, source, random)
    if attempts > 1:
        values[semconv.HTTP_RESEND_COUNT] = attempts - 1
        values[semconv.ATTEMPT_STATUSES] = (failure.status,) * attempts
        values[semconv.ATTEMPT_ERRORS] = ("" if failure.status else failure.error,) * attempts
        values[semconv.ATTEMPT_WAITS] = (*waits, 0.0)
        drawn.unique[semconv.ATTEMPT_DURATIONS] = (each_s,) * attempts
        values[semconv.ATTEMPT_RETRY_AFTERS] = (-1.0,) * attempts
    drawn.duration_s = each_s * attempts + math.fsum(waits)
    drawn.failed = True
