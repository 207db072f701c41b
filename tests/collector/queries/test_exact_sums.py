"""Whatever the window, the filters and the split: the pages' sums are the sums of the calls, to the last digit."""

import random
from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.calls import make_call, nanoseconds

from spanledger_collector.api.table import rfc3339
from spanledger_collector.model import Cost, Usage

HOUR = 3600 * 10**9
FIRST = nanoseconds("2026-10-31T20:00:00Z")  # the calls lie on both sides of a month's end
HOURS = 8
DIMENSIONS = ("service", "environment", "provider", "model", "feature", "team")
BOUNDED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@dataclass(frozen=True)
class Sums:
    calls: int = 0
    failures: int = 0
    priced: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = Decimal(0)

    @classmethod
    def of(cls, calls):
        costs = [call.cost.total for call in calls if call.cost.total is not None]
        usages = [call.usage for call in calls if call.usage]
        return cls(
            len(calls),
            sum(call.outcome == "error" for call in calls),
            len(costs),
            sum(usage.input_tokens for usage in usages),
            sum(usage.output_tokens for usage in usages),
            sum(costs, Decimal(0)),
        )

    def row(self):
        return {
            "calls": self.calls,
            "failures": self.failures,
            "cost_usd": None if self.calls and not self.priced else self.cost,
            "unpriced_calls": self.calls - self.priced,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
        }


def random_call(chance):
    near_an_hour = FIRST + chance.randrange(HOURS + 1) * HOUR + chance.choice([-1, 0, 1])
    anywhere = FIRST + chance.randrange(HOURS * HOUR)
    known = Cost(Decimal(chance.randrange(10**12)).scaleb(-chance.randrange(6, 19)), grade="measured")
    return make_call(
        chance.choice([None, Usage(chance.randrange(9999), chance.randrange(9999), output=chance.randrange(999))]),
        trace_id=chance.randbytes(16),
        start_ns=chance.choice([near_an_hour, anywhere]),
        outcome=chance.choice(["ok", "ok", "error", "cancelled"]),
        attempts=chance.randrange(1, 4),
        cost=chance.choice([known, known, Cost(None)]),
        **{name: chance.choice(["", "a", "b", "c"]) for name in DIMENSIONS},
    )


@pytest.fixture(scope="module")
def calls(opened):
    chance = random.Random(20261031)
    written = [random_call(chance) for _ in range(600)]
    for place in range(0, len(written), 150):
        opened.write(written[place : place + 150])
    yield written
    opened.clear()


offsets = st.one_of(
    st.integers(-1, HOURS + 1).flatmap(lambda hour: st.sampled_from([hour * HOUR - 1, hour * HOUR, hour * HOUR + 1])),
    st.integers(-HOUR, (HOURS + 1) * HOUR),
)
windows = st.tuples(offsets, offsets).map(lambda pair: (FIRST + min(pair), FIRST + max(pair)))
filters = st.dictionaries(
    st.sampled_from(DIMENSIONS), st.lists(st.sampled_from(["", "a", "b", "nobody"]), min_size=1, max_size=2), max_size=2
)


def asked(window, wanted, **more):
    return {"from": [rfc3339(window[0])], "to": [rfc3339(window[1])], **wanted, **{k: [v] for k, v in more.items()}}


def selected(calls, window, wanted):
    inside = (call for call in calls if window[0] <= call.start_ns < window[1])
    return [call for call in inside if all(getattr(call, name) in texts for name, texts in wanted.items())]


def grouped(calls, key):
    groups = {}
    for call in calls:
        groups.setdefault(key(call), []).append(call)
    return {group: Sums.of(members).row() for group, members in groups.items()}


def comparable(rows, *key):
    return {tuple(row[name] for name in key): {n: row[n] for n in Sums().row()} for row in rows}


@BOUNDED
@given(window=windows, wanted=filters)
def test_totals_are_the_sum_of_the_calls(opened, calls, window, wanted):
    row = opened.run("totals", asked(window, wanted)).to_pylist()[0]
    chosen = selected(calls, window, wanted)
    sums = Sums.of(chosen)
    assert {name: row[name] for name in sums.row()} == sums.row()
    assert row["coverage"] == (sums.priced / sums.calls if sums.calls else None)
    assert row["attempts"] == sum(call.attempts for call in chosen)
    assert row["cache_read_tokens"] == sum(call.usage.cache_read for call in chosen if call.usage)


@BOUNDED
@given(window=windows, wanted=filters, by=st.sampled_from(DIMENSIONS))
def test_spend_by_a_dimension_is_the_sum_of_its_calls(opened, calls, window, wanted, by):
    rows = opened.run("spend_by", asked(window, wanted, by=by)).to_pylist()
    expected = grouped(selected(calls, window, wanted), lambda call: (getattr(call, by),))
    assert comparable(rows, "key") == expected


@BOUNDED
@given(window=windows, wanted=filters, split=st.tuples(st.sampled_from(DIMENSIONS), st.sampled_from(["hour", "day"])))
def test_spend_over_time_is_the_sum_of_each_bucket(opened, calls, window, wanted, split):
    by, length = split
    table = opened.run("spend_over_time", asked(window, wanted, by=by, bucket=length))
    table = table.set_column(0, "bucket", table.column("bucket").cast("int64"))
    span = {"hour": HOUR, "day": 24 * HOUR}[length]
    key = lambda call: (call.start_ns // span * span, getattr(call, by))  # noqa: E731
    assert comparable(table.to_pylist(), "bucket", "key") == grouped(selected(calls, window, wanted), key)


def test_everything_is_asked_when_no_window_is_given(opened, calls):
    assert opened.rows("totals")[0]["cost_usd"] == Sums.of(calls).cost
