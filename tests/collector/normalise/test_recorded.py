"""The same simulated calls give the same rows, whichever real package told of them; what it loses is declared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.collector.normalise.losses import LOSSES, ROW, declared, table
from tests.collector.normalise.recordings import Recording, recordings, row

from spanledger_collector.normalise import DIALECTS, EVENT_DIALECTS, to_call
from spanledger_collector.pricing import Book
from spanledger_collector.tellings import superseded, telling

if TYPE_CHECKING:
    from spanledger_collector.model import Call

DOCS = Path(__file__).parents[3] / "docs" / "dialects.md"
ALL = recordings()


def billed(recording: Recording) -> list[Call]:
    calls = [call for call in map(to_call, recording.spans()) if call is not None]
    retold = superseded(map(telling, calls))
    kept = (call for call in calls if (call.trace_id, call.span_id) not in retold)
    return sorted(kept, key=lambda call: call.start_ns)


def differences(recording: Recording) -> set[str]:
    told, truth = billed(recording), recording.truth()
    if len(told) != len(truth):
        return {ROW}
    rows = zip(map(row, told), truth, strict=True)
    return {name for found, true in rows for name in true if found[name] != true[name]}


@pytest.mark.parametrize("recording", ALL, ids=lambda each: each.name)
def test_a_row_is_the_truth_but_for_the_declared_losses(recording: Recording):
    assert differences(recording) == declared(recording.emitter, recording.scenario)


@pytest.mark.parametrize("recording", ALL, ids=lambda each: each.name)
def test_what_was_paid_for_has_a_price(recording: Recording):
    for call in billed(recording):
        cost = Book().price(call)
        assert call.outcome == "error" or cost.grade == "measured", cost.reason


@pytest.mark.parametrize("loss", LOSSES, ids=lambda each: f"{each.emitter} {each.fields}")
def test_a_declared_loss_is_of_a_recording(loss: Any):
    assert any(loss.covers(each.emitter, each.scenario) for each in ALL)


def test_every_loss_is_in_the_documentation():
    assert table() in DOCS.read_text("utf-8")


def test_every_dialect_has_recordings_and_a_place_in_the_documentation():
    read = {call.dialect for each in ALL for call in map(to_call, each.spans()) if call is not None}
    names = {dialect.NAME for dialect in (*DIALECTS, *EVENT_DIALECTS)}
    assert names - read == set()
    text = DOCS.read_text("utf-8")
    assert [name for name in names if f"`{name}`" not in text] == []


def test_every_recording_names_its_packages():
    assert [each.name for each in ALL if not each.packages or not all(each.packages.values())] == []
