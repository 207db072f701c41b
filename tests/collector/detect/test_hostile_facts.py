"""Every detector on facts that are partial, senseless or not there: it claims no money that was never spent, and where
it fails it is counted, logged, and stops no other.
"""

from __future__ import annotations

import logging
import math
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from spanledger_collector.detect import DETECTORS, Detectors
from spanledger_collector.detect.finding import Detector, Evidence, Finding, Fix, Place, Window
from spanledger_collector.queries import QUERIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
ROWS = 60
COST = Decimal("0.01")
ASKED_BY_THE_FRAME = ("findings", "totals")
# What makes rows look like calls of one place; a detector that skips them would not be tried.
PLAIN = {
    "service": "shop",
    "feature": "chat",
    "provider": "openai",
    "model": "gpt-4.1",
    "call_site": "shop/answers.py:12",
    "outcome": "ok",
    "blocks": "0123456789ab" * 12,
    "kind": "billed",
}


def usual(name: str, type_: pa.DataType, number: int) -> Any:
    ids = dict.fromkeys(("span_id", "trace_id"), f"{number:016x}")
    return (PLAIN | ids).get(name) or of_type(type_, number)


def of_type(type_: pa.DataType, number: int) -> Any:
    if pa.types.is_timestamp(type_):
        return NOW - timedelta(minutes=number * 40)
    if pa.types.is_decimal(type_):
        return COST
    if pa.types.is_list(type_):
        return [of_type(type_.value_type, number)] * 2
    if pa.types.is_struct(type_):
        return {"1": f"{number:016x}", "2": COST}
    if pa.types.is_string(type_):
        return "text"
    return True if pa.types.is_boolean(type_) else 7 if pa.types.is_integer(type_) else 0.5


def numbers(value: Any) -> Callable[[pa.DataType, Any], Any]:
    """Every count and every measure is this; money too, unless it cannot be."""

    def changed(type_: pa.DataType, old: Any) -> Any:
        if pa.types.is_decimal(type_):
            return Decimal(str(value)) if math.isfinite(value) else None
        if pa.types.is_list(type_):
            return [changed(type_.value_type, each) for each in old]
        if pa.types.is_integer(type_):
            return int(value) if math.isfinite(value) else 0
        return float(value) if pa.types.is_floating(type_) else old

    return changed


def empty(type_: pa.DataType, old: Any) -> Any:
    return [] if pa.types.is_list(type_) else "" if pa.types.is_string(type_) else old


def unknown(type_: pa.DataType, old: Any) -> Any:
    return None if pa.types.is_decimal(type_) or pa.types.is_floating(type_) else old


def nothing(_: pa.DataType, __: Any) -> None:
    return None


HOSTILE: Mapping[str, Callable[[pa.DataType, Any], Any]] = {
    "zero": numbers(0),
    "not a number": numbers(math.nan),
    "infinite": numbers(math.inf),
    "negative": numbers(-3),
    "huge": numbers(2.0**63),
    "empty texts and lists": empty,
    "unknown costs": unknown,
    "all null": nothing,
}


def rows(name: str, change: Callable[[pa.DataType, Any], Any]) -> Iterator[dict[str, Any]]:
    for number in range(ROWS):
        row = {column.name: usual(column.name, column.type, number) for column in QUERIES[name].columns}
        yield {column.name: change(column.type, row[column.name]) for column in QUERIES[name].columns}


class Answer:
    """Rows that no schema has looked at, as an old or a broken store would give."""

    schema = pa.schema([])

    def __init__(self, made: Sequence[dict[str, Any]]) -> None:
        self.column_names = list(made[0]) if made else []
        self.columns = [Values(row[name] for row in made) for name in self.column_names]

    def cast(self, *_: Any, **__: Any) -> Answer:
        return self


class Values(list[Any]):
    """A column of whatever."""

    type = pa.null()

    def to_pylist(self) -> list[Any]:
        return self


def witness(*_: Any) -> list[Finding]:
    about = {"place": Place(service="witness"), "window": Window(NOW - timedelta(days=7), NOW)}
    said: dict[str, Any] = {"title": "t", "why": "w", "fix": Fix("f"), "verify": "v", "confidence": "high"}
    return [Finding(detector="W", category="cost", evidence=Evidence(40, 3), **about, **said)]  # type: ignore[arg-type]


class Trial:
    """One evaluation of a detector, with a witness before and behind it."""

    def __init__(self, detector: Detector, answer: Callable[[str], Any]) -> None:
        self.failed: list[str] = []
        self.saved: list[dict[str, Any]] = []
        around = [Detector(name, timedelta(days=7), witness) for name in ("W0", "W1")]
        frame = Detectors(
            run_query=lambda name, _: Answer([]) if name in ASKED_BY_THE_FRAME else answer(name),  # type: ignore[arg-type,return-value]
            save=lambda _, table, __: self.saved.extend(table.to_pylist()),
            failed=self.failed.append,
            detectors=(around[0], detector, around[1]),
        )
        frame.tick(NOW)
        assert [row["detector"] for row in self.saved].count("W") == 2
        self.found = [row for row in self.saved if row["detector"] != "W"]


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.id)
def test_senseless_facts_make_no_money(detector: Detector, kind: str) -> None:
    trial = Trial(detector, lambda name: Answer(list(rows(name, HOSTILE[kind]))))
    assert set(trial.failed) <= {detector.id}
    assert not (trial.failed and trial.found)
    for row in trial.found:
        assert row["money_usd"] is None or row["money_usd"] > 0
        if kind in ("zero", "unknown costs", "all null", "not a number", "infinite"):
            assert row["money_usd"] is None


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.id)
def test_what_is_missing_fails_one_detector_alone(detector: Detector, caplog: pytest.LogCaptureFixture) -> None:
    asked: list[str] = []

    def without_columns(name: str) -> Answer:
        asked.append(name)
        return Answer([{"service": "shop"}] * ROWS)

    with caplog.at_level(logging.ERROR, "spanledger_collector.detect"):
        trial = Trial(detector, without_columns)
    assert asked
    assert (trial.failed, trial.found) == ([detector.id], [])
    assert f"detector {detector.id} failed" in caplog.text


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.id)
def test_a_query_that_fails_is_counted_and_stops_no_other(detector: Detector, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(name: str) -> Answer:
        raise RuntimeError(f"the store does not answer {name}")

    with caplog.at_level(logging.ERROR, "spanledger_collector.detect"):
        trial = Trial(detector, refuse)
    assert (trial.failed, trial.found) == ([detector.id], [])
    assert "the store does not answer" in caplog.text


def test_money_that_no_table_can_hold_fails_its_detector_alone() -> None:
    def boundless(*_: Any) -> list[Finding]:
        (plain,) = witness()
        return [Finding(**{**_fields(plain), "detector": "X", "money_usd": Decimal("1e30"), "money_grade": "modelled"})]

    trial = Trial(Detector("X", timedelta(days=7), boundless), lambda _: Answer([]))
    assert (trial.failed, trial.found) == (["X"], [])


def _fields(finding: Finding) -> dict[str, Any]:
    return {name: getattr(finding, name) for name in Finding.__dataclass_fields__}
