"""Pitfalls of prompt caches, each beside the same calls without it. Figures are in ``answers``' words there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spanledger_collector.demo.pitfalls.prompt import Piece, Prompt
from spanledger_collector.demo.pitfalls.seeded import CALLS, INPUT, Day, Made, Pitfall, call, claude

if TYPE_CHECKING:
    from collections.abc import Iterator

STABLE: Final = 18_000  # tokens that every call has in common
QUESTION: Final = INPUT - STABLE
TOOLS: Final = 20
NEAR: Final = 3_500  # tokens in common, where 4,096 would be cached
TURN: Final = 2_000
KEPT_TURNS: Final = 6
HISTORY_SYSTEM: Final = 10_000
FAR_PARTS: Final = 31


def question(day: Day, number: int, tokens: int = QUESTION) -> tuple[Piece, ...]:
    return (Piece(day.key("question", day.leaky, number), tokens),)


def read(number: int, tokens: int = STABLE) -> int:
    """By a call whose prefix was sent before: all but a day's first."""
    return tokens // 128 * 128 if number else 0


def _stamped(day: Day) -> Iterator[Made]:
    """The time of day stands first, or last."""
    time, rules = 10, Piece("rules", STABLE - 10)
    for number in range(CALLS):
        now = Piece(day.key("now", number), time, "date-time")
        system = (now, rules) if day.leaky else (rules, now)
        prompt = Prompt(question(day, number), system)
        yield call(prompt, usage_cache_read=0 if day.leaky else read(number, STABLE - 512))


def _tools(day: Day, number: int, *, turned: bool = False, spelled: bool = False) -> Prompt:
    names = [*range(number, TOOLS), *range(number)] if turned else [*range(TOOLS)]
    meaning = tuple(Piece(f"tool {name:02}", STABLE // TOOLS) for name in names)
    spelling = f" as {day.key(number)}" if spelled else ""
    tools = tuple(Piece(piece.key + spelling, piece.tokens) for piece in meaning)
    return Prompt(question(day, number), tools=tools, meaning=meaning)


def _reordered(day: Day) -> Iterator[Made]:
    for number in range(CALLS):
        yield call(_tools(day, number, turned=day.leaky), usage_cache_read=0 if day.leaky else read(number))


def _spelled(day: Day) -> Iterator[Made]:
    for number in range(CALLS):
        yield call(_tools(day, number, spelled=day.leaky), usage_cache_read=0 if day.leaky else read(number))


def _written(prompt: Prompt, *, write: int = 0, read: int = 0) -> Made:
    return claude(prompt, usage_cache_write=write, usage_cache_write_5m=write, usage_cache_read=read)


def _rules(day: Day, number: int, key: str = "rules", *, marked: bool = True, parts: int = 1) -> Prompt:
    return Prompt(question(day, number), (Piece(key, STABLE),), marked=marked, parts=parts)


def _cached(day: Day, number: int) -> Made:
    """As it should be: written once, then read."""
    return _written(_rules(day, number), write=0 if number else STABLE, read=STABLE if number else 0)


def _unmarked(day: Day) -> Iterator[Made]:
    for number in range(CALLS):
        yield claude(_rules(day, number, marked=False)) if day.leaky else _cached(day, number)


def _unread(day: Day) -> Iterator[Made]:
    for number in range(CALLS):
        own = _rules(day, number, day.key("rules", number))
        yield _written(own, write=STABLE) if day.leaky else _cached(day, number)


def _late(day: Day) -> Iterator[Made]:
    """Ten minutes apart, twice as long as the cache lasts; or one minute."""
    for number in range(CALLS):
        made = _written(_rules(day, number), write=STABLE) if day.leaky else _cached(day, number)
        made.at_s = number * (600.0 if day.leaky else 60.0)
        yield made


def _short(day: Day) -> Iterator[Made]:
    """Just under the minimum, or far below it."""
    for number in range(CALLS):
        tokens = NEAR if day.leaky else NEAR // 2
        prompt = Prompt(question(day, number, 500), (Piece("rules", tokens),))
        yield claude(prompt, "claude-opus-4-5", input_tokens=tokens + 500)


def _forgetful(day: Day) -> Iterator[Made]:
    """Each turn drops the oldest one, or the history only grows."""
    for number in range(CALLS):
        first = max(0, number + 1 - KEPT_TURNS) if day.leaky else 0
        turns = tuple(Piece(day.key("turn", turn), TURN) for turn in range(first, number + 1))
        prompt = Prompt(turns, (Piece("rules", HISTORY_SYSTEM),))
        tokens = HISTORY_SYSTEM + TURN * len(turns)
        before = HISTORY_SYSTEM if day.leaky else tokens - TURN
        yield call(prompt, tokens, usage_cache_read=read(number, before), conversation_id=day.key("chat", day.leaky))


def _far(day: Day) -> Iterator[Made]:
    for number in range(CALLS):
        yield claude(_rules(day, number, parts=FAR_PARTS)) if day.leaky else _cached(day, number)


def _missed(day: Day) -> Iterator[Made]:
    """Every fourth time the provider reads nothing, though the prefix was sent a minute before."""
    for number in range(CALLS):
        miss = day.leaky and number % 4 == 3  # noqa: PLR2004 - every fourth
        yield call(_rules(day, number), usage_cache_read=0 if miss else read(number))


def _released(day: Day) -> Iterator[Made]:
    lost = day.leaky and day.late
    for _ in range(CALLS):
        yield call(usage_cache_read=0 if lost else 16_000)


CACHES: Final = (
    Pitfall("D1", "time-in-front", _stamped),
    Pitfall("D2", "tools-in-any-order", _reordered),
    Pitfall("D3", "keys-in-any-order", _spelled),
    Pitfall("D4", "nothing-marked", _unmarked),
    Pitfall("D5", "written-never-read", _unread),
    Pitfall("D6", "ten-minutes-apart", _late),
    Pitfall("D7", "just-too-short", _short),
    Pitfall("D8", "history-cut-each-turn", _forgetful),
    Pitfall("D9", "mark-too-far-back", _far),
    Pitfall("D10", "missed-by-the-provider", _missed),
    Pitfall("D11", "cache-lost-by-a-release", _released),
)
