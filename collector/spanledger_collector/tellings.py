"""One call told of more than once: by a framework and by the SDK under it, by the SDK and by what watches it.

Each telling is a call by itself. Which of them keeps the bill is a matter of the tellings alone, never of which came
first: of all that tell of the same call the one with the highest rank stays, whatever stands between them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from spanledger_collector.model import Call

TellingId = tuple[bytes, bytes]  # trace id, span id
OWN: Final = "spanledger"  # the library's scope: its spans know most about a call
SLACK_NS: Final = 50_000_000  # by which clocks of one machine, read and rounded by different emitters, disagree
LONGEST_NS: Final = 3_600 * 10**9  # of a call: what began earlier is not looked for
# Emitters that watch what stands above a provider's SDK.
_FRAMEWORKS: Final = (
    "agno", "autogen", "crewai", "dspy", "guardrails", "haystack", "instructor", "langchain", "langgraph", "litellm",
    "llama_index", "llamaindex", "openai_agents", "pydantic-ai", "smolagents", "strands",
)  # fmt: skip
_SDKS: Final = frozenset({"com.anthropic.sdk.python", "mistralai_sdk_tracer"})  # that tell of themselves
MOST_MODELS: Final = 10_000  # remembered by name
_COMPLETE: Final = {"measured": 2, "partial": 1, "modelled": 1}


@dataclass(frozen=True, slots=True)
class Telling:
    """What of a call says whether another is the same one. Times in UTC nanoseconds."""

    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes
    start_ns: int
    end_ns: int
    emitter: str
    service: str
    model: str
    request_model: str
    response_id: str
    failed: bool
    tokens: tuple[int, int] | None  # input and output, inclusive
    grade: str

    @property
    def id(self) -> TellingId:
        return self.trace_id, self.span_id

    @property
    def rank(self) -> tuple[object, ...]:
        """Complete usage first, then who knows more, then the inner one; the ids make it an order."""
        known = _COMPLETE.get(self.grade, 0) if self.tokens else 0
        inner = self.start_ns - self.end_ns
        return known, self.emitter == OWN, depth(self.emitter), inner, self.id


def telling(call: Call) -> Telling:
    usage = call.usage if call.usage and call.usage.grade != "modelled" else None  # an estimate tells nothing
    return Telling(
        call.trace_id,
        call.span_id,
        call.parent_span_id,
        call.start_ns,
        call.start_ns + call.duration_ns,
        call.emitter,
        call.service,
        call.model,
        call.request_model,
        call.response_id,
        call.outcome == "error",
        (usage.input_tokens, usage.output_tokens) if usage else None,
        usage.grade if usage else "",
    )


class Emitters:
    """Which emitters told of which models: where only one ever did, no call can have been told of twice."""

    def __init__(self, *, alone: bool = True) -> None:
        """Not ``alone``: other collectors write to the same store, and every call may have been told there."""
        self._alone = alone
        self._by_model: dict[str, set[str]] = {}
        self._emitters: set[str] = set()
        self.version = 0  # another one whenever something new was told

    def add(self, emitter: str, models: Iterable[str]) -> None:
        for model in models:
            if emitter not in self._by_model.get(model, ()):
                self._learn(emitter, model)

    def update(self, other: Emitters) -> None:
        """Know what the other knows."""
        for model, emitters in other._by_model.items():
            for emitter in emitters:
                self.add(emitter, [model])
        if self._alone and not other._alone:
            self._alone = False
            self.version += 1

    def _learn(self, emitter: str, model: str) -> None:
        if len(self._by_model) < MOST_MODELS or model in self._by_model:
            self._by_model.setdefault(model, set()).add(emitter)
            self._emitters.add(emitter)
        elif not self._alone:
            return
        else:
            self._alone = False
        self.version += 1

    def suspects(self, calls: Iterable[Call]) -> list[Call]:
        """Those that another emitter may have told of, these calls among themselves included."""
        listed = list(calls)
        for call in listed:
            self.add(call.emitter, names_of(call.model, call.request_model))
        if not self._alone:
            return listed
        return [call for call in listed if self._doubtful(call)] if len(self._emitters) > 1 else []

    def _doubtful(self, call: Call) -> bool:
        models = names_of(call.model, call.request_model)
        mine = {call.emitter}
        return "" in models or any(not self._by_model.get(model, mine) <= mine for model in (*models, ""))


@lru_cache(maxsize=1024)
def depth(emitter: str) -> int:
    """How near to the provider it tells from: 0 a framework, 1 who watches an SDK, 2 the SDK itself."""
    lower = emitter.lower()
    return 2 if emitter in _SDKS else 0 if any(name in lower for name in _FRAMEWORKS) else 1


def same_call(one: Telling, other: Telling) -> bool:
    """Whether two emitters tell of one call. An emitter tells of a call once: two spans of one are two calls."""
    if one.emitter == other.emitter or one.failed != other.failed or not _overlap(one, other):
        return False
    if not _models_agree(one, other):
        return False
    if one.response_id and other.response_id:
        return one.response_id == other.response_id
    if one.trace_id == other.trace_id and _are_kin(one, other):
        return True
    return one.tokens == other.tokens and _is_inside(one, other) and _belong_together(one, other)


def superseded(tellings: Iterable[Telling]) -> dict[TellingId, TellingId]:
    """Those that do not keep the bill, each with one that outranks it."""
    lost: dict[TellingId, TellingId] = {}
    for one, other in _candidates(list(tellings)):
        if same_call(one, other):
            loser, winner = sorted((one, other), key=lambda each: each.rank)
            lost.setdefault(loser.id, winner.id)
    return lost


def _candidates(tellings: Sequence[Telling]) -> Iterator[tuple[Telling, Telling]]:
    """Pairs that may be the same call: few of all, for the same batch holds thousands."""
    for places in _places(tellings).values():
        places.sort(key=lambda each: (each.start_ns, each.id))
        if len({each.emitter for each in places}) > 1:
            yield from _overlapping(places)


def _places(tellings: Iterable[Telling]) -> dict[object, list[Telling]]:
    places: dict[object, list[Telling]] = defaultdict(list)
    for each in tellings:
        if each.response_id:
            places[each.response_id].append(each)
        places[each.trace_id].append(each)
        places[(each.service, each.failed, each.tokens)].append(each)
    return places


def _overlapping(ordered: Sequence[Telling]) -> Iterator[tuple[Telling, Telling]]:
    open_: list[Telling] = []
    for each in ordered:
        open_ = [one for one in open_ if one.end_ns + SLACK_NS >= each.start_ns]
        yield from ((one, each) for one in open_ if one.emitter != each.emitter)
        open_.append(each)


def _overlap(one: Telling, other: Telling) -> bool:
    return one.start_ns <= other.end_ns + SLACK_NS and other.start_ns <= one.end_ns + SLACK_NS


def _is_inside(one: Telling, other: Telling) -> bool:
    return any(
        outer.start_ns - SLACK_NS <= inner.start_ns and inner.end_ns <= outer.end_ns + SLACK_NS
        for inner, outer in ((one, other), (other, one))
    )


def _are_kin(one: Telling, other: Telling) -> bool:
    return one.span_id == other.parent_span_id or other.span_id == one.parent_span_id


def _belong_together(one: Telling, other: Telling) -> bool:
    """In one trace; or in one service, at different depths: an upper one may not hand its trace down."""
    if one.trace_id == other.trace_id:
        return True
    return one.service == other.service and depth(one.emitter) != depth(other.emitter)


def _models_agree(one: Telling, other: Telling) -> bool:
    """One name in common, providers' prefixes aside; who names no model agrees with all."""
    mine, theirs = names(one), names(other)
    return not mine or not theirs or not mine.isdisjoint(theirs)


def names(of: Telling) -> frozenset[str]:
    return names_of(of.model, of.request_model) - {""}


@lru_cache(maxsize=4096)
def names_of(model: str, request_model: str) -> frozenset[str]:
    """A call's models without providers' prefixes; one empty name where it has none."""
    return frozenset(filter(None, (_bare(model), _bare(request_model)))) or frozenset({""})


@lru_cache(maxsize=4096)
def _bare(model: str) -> str:
    return model.lower().rpartition("/")[2]
