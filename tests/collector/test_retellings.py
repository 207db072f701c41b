"""Calls told of twice are billed once: the same rows and sums, whichever telling comes first, in whatever batches."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.collector.normalise.recordings import recordings
from tests.support.calls import make_call, make_span

from spanledger_collector.counters import Counters
from spanledger_collector.model import Call, Cost, Span, Usage
from spanledger_collector.normalise import to_call
from spanledger_collector.pipeline import Pipeline, Stages
from spanledger_collector.reading.batch import Batch
from spanledger_collector.recent import RecentSpans, Seen
from spanledger_collector.rows import joined
from spanledger_collector.store import Store, Written, pack, retelling
from spanledger_collector.store.cluster import Cluster
from spanledger_collector.tellings import Emitters, superseded, telling

MS = 1_000_000
_segments = itertools.count(1)
STACKS = [
    each
    for each in recordings()
    if each.scenario.endswith(("langchain_streamed", "over_openai_cached", "over_openai_refused", "anthropic_refused"))
    and len([call for call in map(to_call, each.spans()) if call]) > len(each.simulated)
]


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    store = Store.open(f"chdb://{tmp_path_factory.mktemp('retellings')}/store")
    yield store
    store.close()


@pytest.fixture
def store(opened):
    _clear(opened)
    return opened


def _clear(store: Store) -> None:
    for table in ("calls", "spans", "calls_hourly", "retold_calls"):
        store._writer.command(f"TRUNCATE TABLE {table}")


class Log:
    def discard(self, _: Any) -> None: ...


@dataclass
class Collector:
    """A pipeline whose threads do not run, and what its reader knows of emitters."""

    pipeline: Pipeline
    emitters: Emitters


def collector(ledger: Any, emitters: Emitters | None = None) -> Collector:
    recent = RecentSpans(complete_from_ns=0)
    pipeline = Pipeline(Stages(Log(), None, ledger, recent, Counters()))  # type: ignore[arg-type]
    return Collector(pipeline, emitters or Emitters())


def batch(told: list[tuple[Span, Call]]) -> tuple[Batch, list[Call]]:
    """As read from one segment, in two pieces, but for who else may tell of these calls."""
    segment = SimpleNamespace(id=next(_segments))
    spans, calls = [span for span, _ in told], [call for _, call in told]
    seen = [Seen(span.trace_id, span.span_id, span.start_ns) for span in spans]
    half = len(told) // 2
    parts = [pack(calls[:half], spans[:half]), pack(calls[half:], spans[half:])]
    return Batch(segment, seen, parts, []), calls  # type: ignore[arg-type]


def work_off(by: Collector, read: tuple[Batch, list[Call]]) -> None:
    """What the two threads do, one after the other."""
    found, calls = read
    by.pipeline._store(replace(found, suspects=[telling(call) for call in by.emitters.suspects(calls)]))


def with_spans(calls: list[Call]) -> list[tuple[Span, Call]]:
    return [
        (make_span({}, trace_id=call.trace_id, span_id=call.span_id, start_ns=call.start_ns), call) for call in calls
    ]


def told(emitter: str, number: int, start: int, end: int, **fields: Any) -> Call:
    """A telling from `start` to `end` milliseconds after noon, of 1000 and 50 tokens, that cost a dollar."""
    noon = make_call().start_ns
    known = {
        "trace_id": b"t" * 16,
        "span_id": number.to_bytes(8, "big"),
        "start_ns": noon + start * MS,
        "duration_ns": (end - start) * MS,
        "emitter": emitter,
        "cost": Cost(Decimal(1), input=Decimal(1), grade="measured"),
    }
    return make_call(Usage(uncached_input=1000, output=50), **(known | fields))


def ledger_of(store: Any) -> tuple[Any, ...]:
    rows = store.query("SELECT trace_id, span_id FROM calls ORDER BY trace_id, span_id").to_pylist()
    sums = "sum(calls) AS n, sum(cost) AS cost, sum(input_tokens) AS i, sum(output_tokens) AS o, sum(attempts) AS a"
    hourly = store.query(f"SELECT {sums} FROM calls_hourly").to_pylist()[0]
    direct = store.query("SELECT count() AS n, sum(cost) AS cost, sum(input_tokens) AS i FROM calls").to_pylist()[0]
    assert (hourly["n"], hourly["i"], hourly["cost"]) == (direct["n"], direct["i"] or 0, direct["cost"] or 0)
    retold = store.query("SELECT span_id FROM retold_calls ORDER BY span_id").to_pylist()
    return rows, hourly, sorted({row["span_id"] for row in retold})


OUTER = told("opentelemetry.instrumentation.langchain", 1, 0, 100)
INNER = told("opentelemetry.instrumentation.openai.v1", 2, 10, 90, parent_span_id=OUTER.span_id)
OTHER = told("opentelemetry.instrumentation.openai.v1", 3, 200, 300)


@pytest.mark.parametrize("order", list(itertools.permutations((OUTER, INNER, OTHER))))
def test_the_inner_one_keeps_the_bill_in_whatever_order_they_come(store, order):
    pipeline = collector(store)
    for call in order:
        work_off(pipeline, batch(with_spans([call])))
    rows, hourly, retold = ledger_of(store)
    assert [row["span_id"] for row in rows] == [INNER.span_id, OTHER.span_id]
    assert (hourly["n"], hourly["cost"], retold) == (2, Decimal(2), [OUTER.span_id])


def test_after_a_restart_the_store_knows_what_was_told(store):
    work_off(collector(store), batch(with_spans([OUTER])))
    emitters = Emitters()
    emitters.add(OUTER.emitter, ["gpt-4.1"])
    work_off(collector(store, emitters), batch(with_spans([INNER])))
    assert [row["span_id"] for row in ledger_of(store)[0]] == [INNER.span_id]


@pytest.mark.parametrize("broken_at", range(1, 6))
def test_a_segment_interrupted_anywhere_ends_with_the_same_rows(store, broken_at, monkeypatch):
    work_off(collector(store), batch(with_spans([OUTER])))
    emitters = Emitters()
    emitters.add(OUTER.emitter, ["gpt-4.1"])
    pipeline, later = collector(store, emitters), batch(with_spans([INNER]))
    steps = itertools.count(1)

    def fails(step):
        def run(*given: Any, **named: Any) -> Any:
            if next(steps) == broken_at:
                raise OSError("no space left")
            return step(*given, **named)

        return run

    with monkeypatch.context() as patched:
        patched.setattr(store, "insert", fails(store.insert))
        patched.setattr(store, "command", fails(store.command))
        try:
            work_off(pipeline, later)
        except OSError:
            pass
        else:
            pytest.fail(f"there is no step {broken_at}")
    work_off(pipeline, later)
    rows, hourly, _ = ledger_of(store)
    assert ([row["span_id"] for row in rows], hourly["n"], hourly["cost"]) == ([INNER.span_id], 1, Decimal(1))


@pytest.mark.parametrize("stack", STACKS, ids=lambda each: each.name)
def test_recorded_stacks_are_billed_once_also_backwards(store, stack):
    found = [(span, call) for span in stack.spans() if (call := to_call(span)) is not None]
    pipeline = collector(store)
    for each in reversed(found):
        work_off(pipeline, batch([each]))
    lost = superseded(telling(call) for _, call in found)
    rows, hourly, _ = ledger_of(store)
    assert len(rows) == hourly["n"] == len(stack.simulated)
    kept = {(call.trace_id, call.span_id) for _, call in found} - set(lost)
    assert {(row["trace_id"], row["span_id"]) for row in rows} == kept


class InMemory:
    """A ledger in two dicts, of these calls."""

    def __init__(self, calls: list[Call]) -> None:
        self.by_id = {(call.trace_id, call.span_id): call for call in calls}
        self.calls: dict[Any, tuple[int, Call]] = {}
        self.lost: dict[Any, tuple[int, Any]] = {}

    def known(self, ids: Any, segment: int, *, between: Any) -> set[Any]:
        return {each for each in ids if each in self.calls or each in self.lost}

    def write_rows(self, segment: int, parts: Any) -> Written:
        rows = joined(parts)
        found = rows.calls.select(["trace_id", "span_id"]).to_pylist()
        self.calls |= {key: (segment, self.by_id[key]) for key in ((row["trace_id"], row["span_id"]) for row in found)}
        return Written(rows.calls.num_rows, 0, rows.spans.num_rows, 0)

    def tellings(self, suspects: Any, segment: int) -> list[Any]:
        billed = [(telling(call), True) for number, call in self.calls.values() if number != segment]
        return billed + [(one, False) for number, one in self.lost.values() if number != segment]

    def retell(self, segment: int, retold: Any) -> None:
        for one, _ in retold:
            self.lost[one.id] = (segment, one)
            self.calls.pop(one.id, None)


EMITTERS = ("langchain", "opentelemetry.instrumentation.openai.v1", "com.anthropic.sdk.python", "spanledger", "litellm")
CALLS = st.builds(
    lambda emitter, start, length, trace, reply, tokens, model, failed, parent: {
        "emitter": emitter,
        "start": start,
        "end": start + length,
        "trace_id": bytes([trace]) * 16,
        "response_id": reply,
        "usage": tokens,
        "model": model,
        "request_model": model,
        "outcome": "error" if failed else "ok",
        "parent_span_id": parent.to_bytes(8, "big") if parent else b"",
    },
    st.sampled_from(EMITTERS),
    st.integers(0, 300),
    st.integers(0, 300),
    st.integers(1, 2),
    st.sampled_from(["", "", "resp_1", "resp_2"]),
    st.sampled_from([None, Usage(1000, output=50), Usage(7, output=1), Usage(1000, output=50, grade="partial")]),
    st.sampled_from(["gpt-4.1", "openai/gpt-4.1", "claude-sonnet-4-5", ""]),
    st.booleans(),
    st.integers(0, 8),
)


@given(st.lists(CALLS, min_size=1, max_size=8), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_who_keeps_the_bill_does_not_depend_on_arrival(made: list[dict[str, Any]], chance: Any):
    calls = []
    for number, fields in enumerate(made, 1):
        start, end, usage = fields.pop("start"), fields.pop("end"), fields.pop("usage")
        call = told(fields.pop("emitter"), number, start, end, **fields)
        calls.append(replace(call, usage=usage))
    expected = {each.id for each in map(telling, calls)} - set(superseded(map(telling, calls)))
    for _ in range(3):
        chance.shuffle(calls)
        ledger, rest = InMemory(calls), list(calls)
        pipeline = collector(ledger)
        while rest:
            size = chance.randint(1, len(rest))
            work_off(pipeline, batch(with_spans(rest[:size])))
            rest = rest[size:]
        assert set(ledger.calls) == expected
    assert expected


def test_one_emitter_is_never_asked_about(store):
    twins = [told("spanledger", number, 0, 100) for number in (1, 2, 3)]
    ledger = InMemory(twins)
    ledger.tellings = None  # type: ignore[assignment]
    work_off(collector(ledger), batch(with_spans(twins)))
    assert len(ledger.calls) == 3


def test_on_a_cluster_every_server_masks_its_own_rows():
    (statement,) = Cluster("main").render(retelling.DELETE.format(where=retelling.condition([telling(OUTER)])))
    assert statement.startswith("ALTER TABLE calls_local ON CLUSTER main UPDATE _row_exists = 0 WHERE toStartOfHour")


def test_on_a_cluster_the_rollups_of_local_calls_are_found():
    view = {"as_select": "SELECT count() AS calls FROM ledger.calls_local AS c", "target": "calls_hourly_local"}
    columns = [{"name": "calls", "type": "UInt64", "is_key": 0}]
    negative = retelling.negative(view, columns, "span_id = ''")
    assert "FROM (SELECT * FROM calls WHERE span_id = '') AS c" in negative
    assert "reinterpretAsUInt64(negate(r.calls)) AS calls" in negative
