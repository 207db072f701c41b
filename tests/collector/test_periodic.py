import threading
from datetime import timezone

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
