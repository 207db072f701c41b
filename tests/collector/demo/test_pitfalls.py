"""The demo's seeded pitfalls: detectors find each at the money of the answer key, and their clean twins are silent."""

from __future__ import annotations

import time
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.ledger import open_ledger

from spanledger_collector import normalise, otlp
from spanledger_collector.demo.pitfalls.answers import ANSWERS
from spanledger_collector.demo.pitfalls.score import BESIDE, Score, scores
from spanledger_collector.demo.pitfalls.seeded import WEEKS_DAYS
from spanledger_collector.demo.pitfalls.week import CLEAN, DAY_NS, HOUR_NS, PITFALLS, Week
from spanledger_collector.detect import DETECTORS, Detectors
from spanledger_collector.pricing import Book

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanledger_collector.model import Span

NOW_NS = time.time_ns() // DAY_NS * DAY_NS  # the days before are whole
ANCHOR = NOW_NS // HOUR_NS
NOW = datetime.fromtimestamp(NOW_NS / 1e9, timezone.utc) + timedelta(minutes=5)
# Of what telemetry of the fleet cannot tell: a provider's bill is imported, not sent.
UNSEEDED = {"D35"}
SPENT: dict[str, Decimal] = defaultdict(Decimal)  # US dollars by feature; all of them: ""


def spans() -> Iterator[list[Span]]:
    for number, body in Week(ANCHOR).requests(range(ANCHOR - 24 * (WEEKS_DAYS + 2), ANCHOR), NOW_NS):
        told = list(otlp.decode(body, NOW_NS))
        assert len(told) == number
        yield told


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[dict[str, Any]]]:
    book, rows = Book(None), []  # type: ignore[var-annotated]
    for ledger in open_ledger(tmp_path_factory.mktemp("pitfalls")):
        for told in spans():
            calls = [call for span in told if (call := normalise.to_call(span))]
            for call in calls:
                call.cost = book.price(call)
                for feature in ("", call.feature):
                    SPENT[feature] += call.cost.total or Decimal(0)
            ledger.write(calls, told)
        Detectors(
            run_query=ledger.run, save=lambda _, table, __: rows.extend(table.to_pylist()), failed=pytest.fail
        ).tick(NOW)
        yield rows


def score(found: list[dict[str, Any]], detector: str) -> Score:
    return next(each for each in scores(found) if each.detector == detector)


def test_every_detector_has_a_pitfall_and_an_answer() -> None:
    seeded = [pitfall.detector for pitfall in PITFALLS]
    assert sorted(seeded) == sorted(ANSWERS)
    assert {each.id for each in DETECTORS} - set(seeded) == UNSEEDED


@pytest.mark.parametrize("detector", ANSWERS)
def test_a_pitfall_is_found_at_the_money_of_the_answer_key(found: list[dict[str, Any]], detector: str) -> None:
    it = score(found, detector)
    assert it.found
    assert it.right, f"{it.usd} is not {it.answer.usd} within {it.answer.within:.0%}"


def test_nothing_else_is_said_but_what_is_declared(found: list[dict[str, Any]]) -> None:
    assert [alarm for each in scores(found) for alarm in each.false_alarms] == []


def test_clean_twins_are_silent(found: list[dict[str, Any]]) -> None:
    assert [(row["feature"], row["detector"]) for row in found if row["service"] == CLEAN] == []


def test_what_is_declared_is_said(found: list[dict[str, Any]]) -> None:
    said = {(row["feature"], row["detector"]) for row in found}
    assert {(feature, detector) for feature, others in BESIDE.items() for detector in others} <= said


def test_no_dollar_of_a_call_is_claimed_twice(found: list[dict[str, Any]]) -> None:
    """Each finding's calls are its feature's, whose bill holds all that is claimed of it."""
    for feature in {row["feature"] for row in found if row["money_usd"]}:
        claimed = sum(row["money_usd"] or 0 for row in found if row["feature"] == feature)
        assert claimed <= SPENT[feature]
    overlaps = {row["feature"] for row in found if row["overlap_usd"]}
    assert {"ten-minutes-apart", "history-cut-each-turn"} <= overlaps


def test_hours_give_the_same_spans_however_they_are_asked_for() -> None:
    hours = range(ANCHOR - 16, ANCHOR - 12)  # from the day's first calls on
    whole = {span.span_id for _, body in Week(ANCHOR).requests(hours, NOW_NS) for span in otlp.decode(body, NOW_NS)}
    parts = [
        span.span_id
        for hour in hours
        for _, body in Week(ANCHOR).requests(range(hour, hour + 1), NOW_NS)
        for span in otlp.decode(body, NOW_NS)
    ]
    assert len(parts) == len(set(parts))
    assert set(parts) == whole
