"""Run as a process of its own: writes numbered segments into a store until it has written all or dies.

usage: segment_writer.py PATH FIRST LAST [INSERTS_BEFORE_DEATH]; then prints what the store holds, as JSON.
"""

import json
import os
import signal
import sys
from decimal import Decimal

from tests.support.calls import make_call, make_span

from spanledger_collector.model import Cost, Usage
from spanledger_collector.store import Store

PER_SEGMENT = 40
MONTHS = ("2026-10-31T23:59:00Z", "2026-11-01T00:01:00Z")  # each segment spans two partitions


def segment(number: int):
    ids = [
        (number.to_bytes(8, "big") + place.to_bytes(8, "big"), place.to_bytes(8, "big")) for place in range(PER_SEGMENT)
    ]
    cost = Cost(Decimal("0.001"), grade="measured")
    calls = [
        make_call(Usage(10, output=5), at=MONTHS[place % 2], trace_id=trace, span_id=span, cost=cost)
        for place, (trace, span) in enumerate(ids)
    ]
    spans = [
        make_span({}, trace_id=c.trace_id, span_id=c.span_id, start_ns=c.start_ns, end_ns=c.start_ns) for c in calls
    ]
    return calls, spans


def die_after(store: Store, inserts: int) -> None:
    whole, left = store.insert, iter(range(inserts))

    def insert(*arguments) -> None:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        whole(*arguments)

    store.insert = insert


def contents(store: Store) -> dict[str, object]:
    raw = store.query("SELECT count() AS calls, toString(sum(cost)) AS cost, uniqExact(trace_id) AS ids FROM calls")
    rolled = store.query("SELECT sum(calls) AS calls, toString(sum(cost)) AS cost FROM calls_hourly")
    spans = store.query("SELECT count() AS spans, uniqExact(trace_id) AS ids FROM spans")
    return {"raw": raw.to_pylist()[0], "rolled": rolled.to_pylist()[0], "spans": spans.to_pylist()[0]}


if __name__ == "__main__":
    path, first, last, *death = sys.argv[1:]
    ledger = Store.open(f"chdb://{path}")
    if death:
        die_after(ledger, int(death[0]))
    for number in range(int(first), int(last)):
        ledger.write(number, *segment(number))
        print(number, flush=True)
    print(json.dumps(contents(ledger)))
    ledger.close()
