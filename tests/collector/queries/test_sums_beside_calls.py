"""What pages ask over many calls comes from sums by the hour: the same as counted call by call, whatever the window."""

import random
from collections import Counter, defaultdict
from decimal import Decimal

import pytest
from tests.support.calls import make_call, make_span, nanoseconds

from spanledger import semconv
from spanledger_collector.api.table import rfc3339
from spanledger_collector.model import Cost, Usage
from spanledger_collector.tellings import telling

HOUR = 3600 * 10**9
FIRST = nanoseconds("2026-10-31T20:00:00Z")  # on both sides of a month's end
HOURS = 8
CUT = ("length", "max_tokens", "MAX_TOKENS")
WINDOWS = [
    (FIRST, FIRST + HOURS * HOUR),
    (FIRST + HOUR // 2, FIRST + HOURS * HOUR - HOUR // 3),
    (FIRST + HOUR + 5, FIRST + 2 * HOUR - 5),
    (FIRST - 9 * HOUR, FIRST - HOUR),
]
WANTED = [{}, {"feature": ["x", "y"]}, {"model": ["m"], "team": ["t"]}]


def random_pair(chance):
    at = FIRST + chance.choice([chance.randrange(HOURS * HOUR), chance.randrange(HOURS) * HOUR])
    attempts, outcome = (
        chance.choice([1, 1, 2, 3]),
        chance.choice(["ok", "ok", "ok", "error", "abandoned", "truncated"]),
    )
    who = {"service": chance.choice("ab"), "environment": chance.choice(["", "live"]), "provider": chance.choice("pq")}
    who |= {"model": chance.choice("mn"), "feature": chance.choice("xyz"), "team": chance.choice("tu")}
    who |= {"user": chance.choice(["", "ada", "bob", "eve"])}
    known = Cost(Decimal(chance.randrange(10**9)).scaleb(-12), grade="measured")
    call = make_call(
        chance.choice([None, Usage(chance.randrange(99), output=9)]),
        trace_id=chance.randbytes(16),
        span_id=chance.randbytes(7) + chance.choice([b"\0", b"\1"]),
        start_ns=at,
        outcome=outcome,
        attempts=attempts,
        finish_reason=chance.choice(["stop", "stop", "length"]),
        cost=chance.choice([known, known, Cost(None)]),
        demo=chance.random() < 0.01,
        code_file="app.py",
        code_line=chance.randrange(3),
        **who,
    )
    told = {semconv.OUTCOME: outcome, semconv.PROVIDER_NAME: call.provider, semconv.RESPONSE_MODEL: call.model}
    told |= {semconv.RATE_LIMIT_PREFIX + "requests.limit": chance.choice([0, 10, 20])}
    told |= {semconv.RATE_LIMIT_PREFIX + "requests.remaining": chance.randrange(10)}
    if attempts > 1:
        told |= {semconv.ATTEMPT_STATUSES: [429] * (attempts - 1) + [200], semconv.ATTEMPT_WAITS: [0.5] * attempts}
        told |= {semconv.ATTEMPT_DURATIONS: [0.25] * attempts}
    if checked := chance.choice(["", "ok", "failed"]):
        told |= {semconv.VALIDATION_OUTCOME: checked, semconv.VALIDATION_SCHEMA: chance.choice("ST")}
        told |= {semconv.VALIDATION_FIELDS: ["total"] if checked == "failed" else []}
    resource = {semconv.SERVICE_NAME: call.service, semconv.ENVIRONMENT: call.environment}
    span = make_span(told, trace_id=call.trace_id, span_id=call.span_id, start_ns=at, end_ns=at + 1, resource=resource)
    return call, span


@pytest.fixture(scope="module")
def pairs(opened):
    chance = random.Random(7)
    made = [*{pair[0].start_ns: pair for pair in (random_pair(chance) for _ in range(700))}.values()]
    for place in range(0, len(made), 175):
        some = made[place : place + 175]
        opened.write([call for call, _ in some], [span for _, span in some])
    lost = made[:20]  # told of by another, and better: their spans stay
    opened.store.retell(10**15, [(telling(call), (bytes(16), bytes(8))) for call, _ in lost])
    yield made[20:]
    opened.clear()


@pytest.fixture(params=[(window, wanted) for window in WINDOWS for wanted in WANTED], ids=str)
def asked(request, opened, pairs):
    (since, until), wanted = request.param
    params = {"from": [rfc3339(since)], "to": [rfc3339(until)], **wanted}
    chosen = [
        (call, span.attributes)
        for call, span in pairs
        if since <= call.start_ns < until and all(getattr(call, key) in told for key, told in wanted.items())
    ]
    return (lambda name, **more: opened.run(name, params | more).to_pylist()), chosen


def grouped(chosen, *names):
    groups = defaultdict(list)
    for call, told in chosen:
        groups[tuple(getattr(call, name) for name in names)].append((call, told))
    return groups


def money(calls):
    costs = [call.cost.total for call in calls if call.cost.total is not None]
    return sum(costs, Decimal(0)) if costs else None


def test_services(asked):
    run, chosen = asked
    rows = {(row["service"], row["environment"]): row for row in run("services")}
    expected = grouped(chosen, "service", "environment")
    assert rows.keys() == expected.keys()
    for key, members in expected.items():
        calls = [call for call, _ in members]
        moments = [rows[key][name].value for name in ("first_seen", "last_seen")]
        assert moments == [min(call.start_ns for call in calls), max(call.start_ns for call in calls)]
        assert (rows[key]["calls"], rows[key]["demo"]) == (len(calls), any(call.demo for call in calls))


def test_names(asked):
    run, chosen = asked
    rows = {(row["dimension"], row["name"]): (row["calls"], row["cost_usd"]) for row in run("names")}
    dimensions = ("service", "environment", "provider", "model", "feature", "team")
    counted = {(of, name): calls for of in dimensions for (name,), calls in grouped(chosen, of).items() if name}
    of_calls = {key: [call for call, _ in calls] for key, calls in counted.items()}
    assert rows == {key: (len(calls), money(calls)) for key, calls in of_calls.items()}


def test_attempts(asked):
    run, chosen = asked
    rows = {(row["service"], row["provider"], row["model"]): row for row in run("attempts")}
    expected = grouped(chosen, "service", "provider", "model")
    assert rows.keys() == expected.keys()
    for key, members in expected.items():
        retried = [call for call, _ in members if call.attempts > 1]
        row, repeats = rows[key], sum(call.attempts - 1 for call in retried)
        assert (row["calls"], row["attempts"]) == (len(members), len(members) + repeats)
        assert (row["retried_calls"], row["timed_calls"]) == (len(retried), len(retried))
        assert row["failed_calls"] == sum(call.outcome == "error" for call in retried)
        assert row["rate_limited"] == repeats
        assert row["wasted_ms"] == sum(500 * call.attempts + 250 * (call.attempts - 1) for call in retried)
        assert set(row["trace_ids"]) <= {call.trace_id.hex() for call in retried}
        assert len(row["trace_ids"]) == min(3, len(retried))


def test_headroom(asked, pairs):
    run, chosen = asked
    if len(chosen) == 0:
        assert run("headroom") == []
        return
    limit, left = (semconv.RATE_LIMIT_PREFIX + f"requests.{what}" for what in ("limit", "remaining"))
    told = [(call, attributes) for call, attributes in chosen if attributes[limit]]
    for row in run("headroom"):
        of = grouped(told, "service", "provider", "model")[row["service"], row["provider"], row["model"]]
        assert row["calls"] >= len(of)  # spans of calls that lost their bill were seen all the same
        assert row["calls"] - len(of) <= 20
        assert row["requests_left"] <= min((a[left] / a[limit] for _, a in of), default=1)
        assert row["tokens_left"] is None


def test_waste(asked):
    run, chosen = asked
    kinds = defaultdict(list)
    for call, told in chosen:
        if kind := wasted(call, told):
            kinds[kind].append(call)
    assert {row["kind"]: (row["calls"], row["cost_usd"]) for row in run("waste")} == {
        kind: (len(calls), money(calls)) for kind, calls in kinds.items()
    }
    assert sum(row["calls"] for row in run("waste", by=["model"])) == sum(map(len, kinds.values()))


def wasted(call, told):
    if told.get(semconv.VALIDATION_OUTCOME) == "failed":
        return "invalid"
    if call.outcome in ("error", "abandoned"):
        return {"error": "failed"}.get(call.outcome, "abandoned")
    if call.outcome == "truncated" or call.finish_reason in CUT:
        return "truncated"
    return "retried" if call.attempts > 1 else ""


def test_users(asked):
    run, chosen = asked
    named = [(call, told) for call, told in chosen if call.user]
    told = [(row["users"], row["calls"], row["cost_usd"]) for row in run("users")]
    assert told == [of_users(call for call, _ in named)]
    rows = {row["key"]: (row["users"], row["calls"], row["cost_usd"]) for row in run("users", by=["feature"])}
    assert rows == {key: of_users(call for call, _ in of) for (key,), of in grouped(named, "feature").items()}


def of_users(calls):
    calls = list(calls)
    return len({call.user for call in calls}), len(calls), money(calls)


def test_validations(asked):
    run, chosen = asked
    checked, failed = semconv.VALIDATION_OUTCOME, []
    rows = run("validations")
    for row in rows:
        of = [(c, a) for c, a in chosen if checked in a and a[semconv.VALIDATION_SCHEMA] == row["schema"]]
        of = [(c, a) for c, a in of if (c.service, c.model) == (row["service"], row["model"])]
        lost = [c for c, a in of if a[checked] == "failed"]
        cut = [c for c, _ in of if c.outcome == "truncated" or c.finish_reason in CUT]
        failed += lost
        assert 0 <= row["calls"] - len(of) <= 20
        assert 0 <= row["failures"] - len(lost) <= 20
        assert row["truncated"] == len(cut)
        assert row["truncated_failures"] == len([call for call in cut if call in lost])
        assert (row["cost_usd"], row["fields"]) == (money(lost), ["total"] if row["failures"] else [])
        assert row["field_calls"] == ([row["failures"]] if row["failures"] else [])
    assert len(failed) == sum(a.get(checked) == "failed" for _, a in chosen)


@pytest.mark.parametrize(("limit", "most"), [(500, 10_000), (3, 40), (1, 5), (500, 1)])
def test_the_newest_calls_of_each_place_are_read(asked, limit, most):
    run, chosen = asked
    place = ("service", "feature", "provider", "model", "code_file", "code_line")
    of = grouped(chosen, *place)
    newest = sorted((call for call, _ in chosen), key=lambda call: -call.start_ns)
    seen, expected = Counter(), []
    for call in newest:
        key = tuple(getattr(call, name) for name in place)
        seen[key] += 1
        if seen[key] <= limit and len(expected) < most:
            expected.append(call)
    rows = run("call_facts", limit=[str(limit)], most=[str(most)])
    assert {row["span_id"] for row in rows} == {call.span_id.hex() for call in expected}
    counts = {call.span_id.hex(): len(of[tuple(getattr(call, name) for name in place)]) for call in expected}
    assert {row["span_id"]: row["calls"] for row in rows} == counts
