"""The made-up month: repeatable, accepted whole, shaped like what the library records, with its incidents in it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from spanledger_collector import normalise, otlp
from spanledger_collector.demo.fleet.catalogue import SCRIPTS, SERVICES
from spanledger_collector.demo.history import month as month_module
from spanledger_collector.demo.history.incidents import INCIDENTS, LOST_CACHE, OUTAGE, UNPRICED
from spanledger_collector.demo.history.month import HOUR_NS, HOURS, Month
from spanledger_collector.demo.history.seasons import ahead
from spanledger_collector.demo.history.sources import SOURCES, TUNED_MODEL
from spanledger_collector.pricing import Book

if TYPE_CHECKING:
    from spanledger_collector.model import Call

ANCHOR = int(datetime(2026, 11, 23, 12, tzinfo=timezone.utc).timestamp()) // 3600
NOW_NS = ANCHOR * HOUR_NS
MONTH = Month(6_000, ANCHOR, Path("/demo/services"))


@dataclass
class Told:
    calls: list[Call]
    bodies: list[bytes]


@pytest.fixture(scope="module")
def told():
    bodies = [body for _, body in MONTH.requests(range(ANCHOR - HOURS, ANCHOR), NOW_NS)]
    spans = [span for body in bodies for span in otlp.decode(body, NOW_NS)]
    return Told([call for span in spans if (call := normalise.to_call(span))], bodies)


def among(told, hours, **wanted):
    """Calls that started in some hours."""
    return [
        call
        for call in told.calls
        if call.start_ns // HOUR_NS in hours and all(getattr(call, name) == value for name, value in wanted.items())
    ]


def before(hours, days):
    return range(hours.start - 24 * days, hours.start)


def test_every_span_is_accepted_and_is_one_call(told):
    checked = [otlp.check(body, NOW_NS) for body in told.bodies]
    assert not any(each.refused for each in checked)
    assert sum(each.accepted for each in checked) == len(told.calls)


def test_there_are_as_many_calls_as_asked_for_give_or_take_rounding(told):
    assert len(told.calls) == pytest.approx(MONTH.calls, rel=0.02)


def test_every_call_is_labelled_as_made_up_and_nothing_in_it_contradicts(told):
    assert all(call.demo for call in told.calls)
    assert not any(call.usage_note for call in told.calls)


def test_ids_are_unique_and_the_same_whenever_they_are_made(told):
    again = [body for _, body in MONTH.requests(range(ANCHOR - HOURS, ANCHOR), NOW_NS)]
    assert again == told.bodies
    assert len({(call.trace_id, call.span_id) for call in told.calls}) == len(told.calls)


def test_an_hour_has_the_same_calls_whichever_hours_are_asked_for_with_it():
    alone = spans_of(range(ANCHOR - 20, ANCHOR - 19))
    assert alone <= spans_of(range(ANCHOR - 24, ANCHOR))


def spans_of(hours):
    return {span.span_id for _, body in MONTH.requests(hours, NOW_NS) for span in otlp.decode(body, NOW_NS)}


def test_requests_are_bounded(monkeypatch):
    monkeypatch.setattr(month_module, "MOST_SPANS", 50)
    sizes = [spans for spans, _ in MONTH.requests(range(ANCHOR - 24, ANCHOR), NOW_NS)]
    assert set(sizes[:-1]) == {50}


def test_the_weekend_is_quiet_in_the_office(told):
    days = defaultdict(int)
    for call in told.calls:
        if call.service == "invoice-extraction":
            days[datetime.fromtimestamp(call.start_ns / 1e9, timezone.utc).weekday()] += 1
    assert max(days[5], days[6]) < min(days[day] for day in range(5)) / 3


def test_the_failure_spike_is_in_its_three_hours(told):
    hours = OUTAGE.during(ANCHOR)
    assert len(hours) == 3
    assert failing(among(told, hours, service="support-assistant")) > 0.3
    assert failing(among(told, before(hours, 5), service="support-assistant")) < 0.03


@pytest.mark.parametrize("anchor", range(ANCHOR, ANCHOR + 7 * 24, 5))
def test_incidents_fall_on_working_days_of_the_month_whenever_it_ends(anchor):
    for incident in INCIDENTS:
        begins = incident.during(anchor).start
        assert anchor - HOURS < begins < anchor
        assert datetime.fromtimestamp(begins * 3600, timezone.utc).weekday() < 5


def failing(calls):
    return sum(call.outcome == "error" for call in calls) / len(calls)


def test_the_lost_cache_costs_more_for_each_call(told):
    book = Book()

    def each(hours):
        calls = among(told, hours, model="claude-sonnet-4-6", outcome="ok")
        return sum((book.price(call).total for call in calls), Decimal(0)) / len(calls)

    hours = LOST_CACHE.during(ANCHOR)
    assert each(hours) > each(before(hours, 5)) * 2
    assert {call.service_version for call in among(told, hours, service="travel-agent")} == {"2.4.0"}


def test_the_unpriced_model_appears_once_it_is_introduced_and_has_no_cost(told):
    hours = UNPRICED.during(ANCHOR)
    assert not among(told, before(hours, 30), model=TUNED_MODEL)
    recent = among(told, hours, model=TUNED_MODEL)
    assert recent
    assert {Book().price(call).grade for call in recent} == {"unknown"}


def test_call_sites_point_at_the_line_that_calls(told):
    for source in SOURCES:
        call = next(c for c in told.calls if (c.model, c.code_function) == (source.model, source.function))
        script = SCRIPTS / Path(call.code_file).name
        line = script.read_text().splitlines()[call.code_line - 1]
        assert any(f".{method}(" in line for method in ("create", "parse", "stream"))


def test_every_service_of_the_fleet_has_a_past(told):
    assert {call.service for call in told.calls} == {service.name for service in SERVICES}


@pytest.mark.parametrize("later", [0, 7, 19, 100])
def test_whenever_a_demo_is_started_the_company_is_at_work(later):
    anchor = ANCHOR + later
    month = Month(30_000, anchor, Path("/demo"), ahead(anchor))
    hour, night = range(anchor - 1, anchor), range(anchor - 5, anchor - 4)
    at_work, at_night = (
        [span for _, body in month.requests(hours, (anchor + 1) * HOUR_NS) for span in otlp.decode(body, NOW_NS * 2)]
        for hours in (hour, night)
    )
    assert {span.start_ns // HOUR_NS for span in at_work} == {anchor - 1}
    assert len(at_work) > 1.5 * 30_000 / HOURS > 5 * len(at_night)
