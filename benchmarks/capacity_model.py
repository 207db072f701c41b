"""One collector as a discrete-event model: requests -> group fsync -> segment -> read -> insert -> merge.

Python's threads share one interpreter lock, and that and the engine's threads share the cores. What a step costs is
measured (capacity.json); how the steps queue for one another is what is simulated here. Time is in seconds.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import simpy

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

SWITCH_S = 0.005  # sys.getswitchinterval(): how long a thread waits for a busy interpreter lock
READ_BYTES = 65_536  # what a listener takes of a body at once; each time it waits for the lock again
FIXED_TURNS = 4  # request read, judged, given to the log; told that it is on the medium
TURN_GROUPS = 10  # a write's turns are looked at in so many groups
SEGMENT_BYTES, SEGMENT_AGE_S = 8 * 2**20, 0.5  # spanledger_collector.wal.log.Limits
LOST_REQUESTS = 20_000
PEAK, BURST = 1.7, 3.0  # the busiest hour over the day's mean; a burst over the busiest hour
BURST_FROM_S, BURST_UNTIL_S, BURST_EVERY_S = 120, 180, 300


@dataclass(frozen=True)
class Costs:
    """CPU in microseconds, by what it is spent on; bytes; the medium's fsync in milliseconds."""

    http_request: float
    http_span: float
    read_segment: float
    read_span: float
    columns_segment: float
    columns_span: float
    insert_segment: float
    insert_span: float
    background_segment: float
    background_span: float
    watch_second: float
    sender_span: float
    fsync_p50_ms: float
    fsync_p99_ms: float
    wire_span_bytes: float
    write_turns: float  # how often a write waits for the interpreter lock while other Python runs

    @classmethod
    def of(cls, told: Mapping[str, Mapping[str, Any]]) -> Costs:
        return cls(**{name: float(each["value"]) for name, each in told.items() if name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class Scene:
    """Who sends what to how much of a machine. ``rate`` is spans a second: all of them, evenly, or the day's mean."""

    rate: float
    spans_request: int
    seconds: float
    cores: float = 2
    store_cores: float = 0  # of a server, this collector's part; 0: the store is embedded
    connections: int = 0  # a benchmark's senders, on the same machine and each waiting; 0: many independent services
    pages_cores: float = 0  # spent on the store's machine for what people look at
    seed: int = 1


class Machine:
    """Cores shared evenly by what wants to run; all Python together wants one."""

    def __init__(self, env: simpy.Environment, cores: float) -> None:
        self.env, self.cores = env, cores
        self.python = 0  # jobs of it
        self.used = 0.0
        self._jobs: list[list[Any]] = []  # [is_python, seconds left, event]
        self._speeds = (0.0, 0.0)  # of a Python job and of any other
        self._at, self._alarm = 0.0, 0

    def run(self, seconds: float, *, is_python: bool) -> simpy.Event:
        self._advance()
        done = self.env.event()
        self._jobs.append([is_python, seconds, done])
        self._plan()
        return done

    def _advance(self) -> None:
        elapsed, speeds = self.env.now - self._at, self._speeds
        for job in self._jobs:
            spent = elapsed * speeds[not job[0]]
            job[1] -= spent
            self.used += spent
        self._at = self.env.now

    def _plan(self) -> None:
        self._alarm += 1
        if not self._jobs:
            self.python = 0
            return
        self.python = sum(job[0] for job in self._jobs)
        wanted = min(self.python, 1) + len(self._jobs) - self.python
        share = min(1.0, self.cores / wanted)
        self._speeds = speeds = (share / max(self.python, 1), share)
        soonest = min(left / speeds[not is_python] for is_python, left, _ in self._jobs)
        alarm = self._alarm
        self.env.timeout(max(soonest, 0.0)).callbacks.append(lambda _: self._due(alarm))

    def _due(self, alarm: int) -> None:
        if alarm != self._alarm:
            return
        self._advance()
        over = [job[2] for job in self._jobs if job[1] <= 1e-9]
        self._jobs = [job for job in self._jobs if job[1] > 1e-9]
        self._plan()
        for done in over:
            done.succeed()


@dataclass
class Segment:
    requests: list[tuple[float, int]] = field(default_factory=list)  # acknowledged at, spans
    bytes: float = 0
    opened: float = 0

    @property
    def spans(self) -> int:
        return sum(spans for _, spans in self.requests)


@dataclass
class Seen:
    acks: list[float] = field(default_factory=list)  # seconds
    lags: list[tuple[float, int]] = field(default_factory=list)  # acknowledged to queryable, seconds; of so many spans
    log_bytes: float = 0
    log_most_bytes: float = 0
    sent: int = 0
    stored: int = 0
    begun: int = 0  # requests
    last_ack: float = 0


class Collector:
    """The five steps, each a process of its own."""

    def __init__(self, env: simpy.Environment, costs: Costs, scene: Scene) -> None:
        self.env, self.costs, self.scene, self.seen = env, costs, scene, Seen()
        self.machine = Machine(env, scene.cores)
        self.store = Machine(env, scene.store_cores) if scene.store_cores else self.machine
        self.chance = random.Random(scene.seed)
        self.listener = simpy.Resource(env)  # one thread: requests are received and judged in turn
        self.pending: list[tuple[simpy.Event, int]] = []
        self.wanted = env.event()
        self.open: Segment | None = None
        self.sealed = simpy.Store(env)
        self.busy = 0  # segments sealed and not yet stored
        self.read = simpy.Store(env)
        self.room = simpy.Container(env, init=1)  # to read one segment while another is written
        for step in (self.log(), self.reader(), self.writer(), self.watch(), self.pages()):
            env.process(step)

    @property
    def is_lost(self) -> bool:
        """More waits than it will ever work off."""
        return self.seen.begun - len(self.seen.acks) > LOST_REQUESTS

    def python(self, microseconds: float) -> simpy.Event:
        return self.machine.run(microseconds / 1e6, is_python=True)

    def engine(self, microseconds: float) -> simpy.Event:
        return self.store.run(microseconds / 1e6, is_python=False)

    def request(self, spans: int) -> Generator[Any, Any, None]:
        """Received, judged, on the medium, acknowledged."""
        self.seen.begun += 1
        began, turns = self.env.now, FIXED_TURNS + math.ceil(spans * self.costs.wire_span_bytes / READ_BYTES)
        if self.machine.python:
            yield self.env.timeout(turns * SWITCH_S * self.chance.random())
        with self.listener.request() as turn:
            yield turn
            yield self.python(self.costs.http_request + spans * self.costs.http_span)
        kept = self.env.event()
        self.pending.append((kept, spans))
        if not self.wanted.triggered:
            self.wanted.succeed()
        yield kept
        if self.machine.python:
            yield self.env.timeout(turns * SWITCH_S * self.chance.random())
        self.seen.acks.append(self.env.now - began)
        self.seen.last_ack = self.env.now

    def log(self) -> Generator[Any, Any, None]:
        """One fsync for all that wait."""
        middle = math.log(self.costs.fsync_p50_ms / 1e3)
        spread = math.log(max(self.costs.fsync_p99_ms / self.costs.fsync_p50_ms, 1.0)) / 2.326
        while True:
            if not self.pending:
                self.wanted = self.env.event()
                yield self.wanted
            group, self.pending = self.pending, []
            yield self.env.timeout(self.chance.lognormvariate(middle, spread))
            for kept, spans in group:
                kept.succeed()
                self._keep(spans)

    def _keep(self, spans: int) -> None:
        size, seen = spans * self.costs.wire_span_bytes, self.seen
        if self.open is None:
            self.open = Segment(opened=self.env.now)
            self.env.timeout(SEGMENT_AGE_S).callbacks.append(lambda _: self._seal())
        self.open.requests.append((self.env.now, spans))
        self.open.bytes += size
        seen.sent += spans
        seen.log_bytes += size
        seen.log_most_bytes = max(seen.log_most_bytes, seen.log_bytes)
        self._seal()

    def _seal(self) -> None:
        """When it is full; when it is old too, but only while nothing is on its way to the store."""
        if self.open is None:
            return
        old = self.env.now - self.open.opened >= SEGMENT_AGE_S - 1e-9
        if self.open.bytes >= SEGMENT_BYTES or (old and not self.busy):
            self.busy += 1
            self.sealed.put(self.open)
            self.open = None

    def reader(self) -> Generator[Any, Any, None]:
        while True:
            yield self.room.get(1)
            segment = yield self.sealed.get()
            yield self.python(self.costs.read_segment + segment.spans * self.costs.read_span)
            yield self.read.put(segment)

    def writer(self) -> Generator[Any, Any, None]:
        while True:
            segment = yield self.read.get()
            yield self.room.put(1)
            spans, costs = segment.spans, self.costs
            for _ in range(TURN_GROUPS):
                yield self.python((costs.columns_segment + spans * costs.columns_span) / TURN_GROUPS)
                if self.machine.python:
                    yield self.env.timeout(costs.write_turns / TURN_GROUPS * SWITCH_S)
            yield self.engine(costs.insert_segment + spans * costs.insert_span)
            self.engine(costs.background_segment + spans * costs.background_span)
            self.busy -= 1
            self.seen.stored += spans
            self.seen.log_bytes -= segment.bytes
            self.seen.lags += [(self.env.now - at, count) for at, count in segment.requests]
            self._seal()

    def watch(self) -> Generator[Any, Any, None]:
        """Detectors, alerts, status: so much a second, ten seconds' worth at once."""
        while True:
            yield self.env.timeout(10)
            yield self.python(10 * self.costs.watch_second)

    def pages(self) -> Generator[Any, Any, None]:
        while self.scene.pages_cores:
            yield self.env.timeout(1)
            self.engine(self.scene.pages_cores * 1e6)


def quantile(values: list[tuple[float, int]], share: float) -> float:
    """Of values that count so many times each."""
    left = share * sum(count for _, count in values)
    for value, count in sorted(values):
        left -= count
        if left <= 0:
            return value
    return 0.0


def services(env: simpy.Environment, collector: Collector, scene: Scene) -> Generator[Any, Any, None]:
    """Poisson arrivals of the busiest hour, with a burst of a minute in every five."""
    chance = random.Random(scene.seed + 1)
    while env.now < scene.seconds:
        in_burst = BURST_FROM_S <= env.now % BURST_EVERY_S < BURST_UNTIL_S
        rate = scene.rate * PEAK * (BURST if in_burst else 1.0)
        yield env.timeout(chance.expovariate(rate / scene.spans_request))
        env.process(collector.request(max(1, round(chance.gauss(scene.spans_request, scene.spans_request**0.5)))))


def sender(
    env: simpy.Environment, collector: Collector, scene: Scene, turn: Callable[[], int]
) -> Generator[Any, Any, None]:
    """One connection of the benchmark: the next request when it is due and the one before is acknowledged."""
    while True:
        due = turn() * scene.spans_request / scene.rate if scene.rate else env.now
        if due >= scene.seconds:
            return
        yield collector.machine.run(scene.spans_request * collector.costs.sender_span / 1e6, is_python=False)
        yield env.timeout(max(0.0, due - env.now))
        yield env.process(collector.request(scene.spans_request))


def simulate(costs: Costs, scene: Scene) -> dict[str, float]:
    """What comes out. ``end_to_end`` is spans a second from the first to all stored; utilisation is of all cores."""
    env = simpy.Environment()
    collector = Collector(env, costs, scene)
    turns = iter(range(10**9))
    if scene.connections:
        for _ in range(scene.connections):
            env.process(sender(env, collector, scene, lambda: next(turns)))
    else:
        env.process(services(env, collector, scene))
    while env.now < scene.seconds and not collector.is_lost:
        env.run(min(env.now + 5, scene.seconds))
    machine, store, seen = collector.machine, collector.store, collector.seen
    used, stored_used = machine.used, store.used
    while (seen.stored < seen.sent or len(seen.acks) < seen.begun) and env.now < 4 * scene.seconds + 60:
        if collector.is_lost:
            return {"lag_p99_s": math.inf, "ack_p99_ms": math.inf}
        env.run(env.now + 0.2)
    acks = [(ack, 1) for ack in seen.acks]
    return {
        "ack_p50_ms": 1e3 * quantile(acks, 0.5),
        "ack_p99_ms": 1e3 * quantile(acks, 0.99),
        "lag_p50_s": quantile(seen.lags, 0.5),
        "lag_p99_s": quantile(seen.lags, 0.99),
        "lag_after_last_s": env.now - seen.last_ack,
        "end_to_end": seen.stored / env.now,
        "spans": seen.stored,
        "log_most_mib": seen.log_most_bytes / 2**20,
        "collector_use": used / scene.seconds / scene.cores,
        "store_use": stored_used / scene.seconds / (scene.store_cores or scene.cores),
    }
