import threading
import time
from datetime import timezone

import pytest

from spanledger_collector.counters import Counters
from spanledger_collector.periodic import Periodic


def test_a_failing_evaluation_is_counted_and_the_next_one_comes():
    counters, moments, recovered = Counters(), [], threading.Event()

    def tick(now):
        moments.append(now)
        if len(moments) == 1:
            raise RuntimeError("the database is away")
        recovered.set()

    periodic = Periodic("alerts", 0.01, tick, counters)
    periodic.start()
    assert recovered.wait(10)
    periodic.stop()
    assert counters.total("spanledger_evaluation_failures_total", what="alerts") == 1
    assert counters.total("spanledger_evaluations_total", what="alerts") == len(moments) - 1
    assert {now.tzinfo for now in moments} == {timezone.utc}


def test_nothing_is_evaluated_once_it_has_stopped():
    counters, ticked = Counters(), threading.Event()
    periodic = Periodic("detectors", 60, lambda _: ticked.set(), counters)
    periodic.start()
    assert ticked.wait(10)
    periodic.stop()
    assert counters.total("spanledger_evaluations_total") == 1


def test_stopping_what_never_started_is_no_error():
    Periodic("alerts", 1, lambda _: None, Counters()).stop()


@pytest.mark.parametrize(("took_s", "pause_s"), [(0.1, 60), (3.0, 60), (10.0, 190), (100.0, 900)])
def test_what_takes_long_comes_more_rarely(took_s, pause_s):
    assert Periodic("detectors", 60, lambda _: None, Counters(), share=0.05).pause_s(took_s) == pytest.approx(pause_s)
    assert Periodic("alerts", 60, lambda _: None, Counters()).pause_s(took_s) == 60


def test_those_that_take_turns_are_never_at_work_together():
    turns, at_work, most, done = threading.Lock(), [], [], threading.Event()

    def tick(_):
        at_work.append(1)
        most.append(len(at_work))
        time.sleep(0.005)
        at_work.pop()
        if len(most) > 20:
            done.set()

    both = [Periodic(name, 0.001, tick, Counters(), turns=turns) for name in ("token model", "detectors")]
    for each in both:
        each.start()
    assert done.wait(60)
    for each in both:
        each.stop()
    assert set(most) == {1}


def test_who_waits_for_a_turn_is_stopped_without_it():
    turns, ticked = threading.Lock(), []
    with turns:
        waiting = Periodic("detectors", 60, ticked.append, Counters(), turns=turns)
        waiting.start()
        waiting.stop()
    assert not ticked
    assert not waiting._thread.is_alive()


def test_who_finds_the_collector_busy_waits_until_it_is_not_and_is_stopped_meanwhile():
    busy, ticked = threading.Event(), threading.Event()
    busy.set()
    giving_way = Periodic("detectors", 60, lambda _: ticked.set(), Counters(), busy=busy.is_set)
    giving_way.start()
    assert not ticked.wait(0.5)
    busy.clear()
    assert ticked.wait(30)
    giving_way.stop()
    busy.set()
    stopped = Periodic("detectors", 60, lambda _: pytest.fail("it was stopped"), Counters(), busy=busy.is_set)
    stopped.start()
    stopped.stop()
    assert not stopped._thread.is_alive()
