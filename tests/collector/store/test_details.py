"""What the store itself reads out of a span, typed; and that nothing a sender writes there stops a segment."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.support.calls import make_span

from spanledger import semconv

HASH = "0123456789abcdef" * 2
TOLD: dict[str, Any] = {
    semconv.OUTCOME: "ok",
    semconv.INPUT_CHARS: 4200,
    semconv.REQUEST_TEMPERATURE: 0.25,
    semconv.REQUEST_TIMEOUT: 600.0,
    semconv.ATTEMPT_STATUSES: [429, 200],
    semconv.ATTEMPT_WAITS: [0.5, 0.0],
    "spanledger.rate_limit.tokens.limit": 30_000_000,
    semconv.VALIDATION_OUTCOME: "failed",
    semconv.VALIDATION_FIELDS: ["invoice.total"],
    semconv.FINGERPRINT_REQUEST: HASH,
    semconv.PREFIX_BLOCK_CHARS: 512,
    semconv.PREFIX_BLOCKS: "0123456789ab" * 3,
    semconv.VOLATILE_KINDS: ["date-time"],
    semconv.VOLATILE_OFFSETS: [38],
    semconv.LOGICAL_ID: "0123456789abcdef",
    semconv.LOGICAL_ORDINAL: 3,
    semconv.FALLBACK_FROM: "gpt-4.1",
    semconv.JUDGED_SPAN_ID: "fedcba9876543210",
    semconv.TRIES: 2,
}
COLUMNS = {
    "call_details": "*",
    "call_notes": "hex(logical_id) AS logical_id, logical_ordinal, fallback_from, hex(call_id) AS call_id, tries, "
    "validation_fields",
    "fingerprints": "hex(request) AS request, hex(system) AS system, hex(blocks) AS blocks, "
    "volatile_kinds, volatile_offsets",
}


def rows(store: Any, table: str, attributes: dict[str, Any]) -> list[dict[str, Any]]:
    now = time.time_ns()  # fingerprints of weeks ago are no longer kept
    store.write(1, [], [make_span(attributes, start_ns=now, end_ns=now)])
    found: list[dict[str, Any]] = store.query(f"SELECT {COLUMNS[table]} FROM {table}").to_pylist()
    return found


def test_what_the_library_saw_is_there_typed(store: Any) -> None:
    (row,) = rows(store, "call_details", TOLD)
    assert (row["input_chars"], row["temperature"], row["timeout_s"]) == (4200, 0.25, 600.0)
    assert (row["attempt_statuses"], row["attempt_waits_s"]) == ([429, 200], [0.5, 0.0])
    assert (row["tokens_limit"], row["requests_limit"]) == (30_000_000, 0)
    assert (row["validation"], row["validation_fields"]) == ("failed", ["invoice.total"])
    assert row["max_retries"] is None


def test_a_prompt_is_there_as_bytes_of_its_hashes(store: Any) -> None:
    (row,) = rows(store, "fingerprints", TOLD)
    assert (row["request"], row["system"]) == (HASH.upper(), "")
    assert row["blocks"] == "0123456789AB" * 3
    assert (row["volatile_kinds"], row["volatile_offsets"]) == (["date-time"], [38])


def test_what_is_told_beside_a_call_is_there_and_nothing_of_other_calls(store: Any) -> None:
    (row,) = rows(store, "call_notes", TOLD)
    assert (row["logical_id"], row["logical_ordinal"]) == ("0123456789ABCDEF", 3)
    assert (row["fallback_from"], row["call_id"], row["tries"]) == ("gpt-4.1", "FEDCBA9876543210", 2)
    assert row["validation_fields"] == ["invoice.total"]
    store._writer.command("TRUNCATE TABLE call_notes")
    assert rows(store, "call_notes", {semconv.OUTCOME: "ok", semconv.LOGICAL_ORDINAL: 1}) == []


def test_a_chain_longer_than_an_attribute_keeps_its_whole_blocks(store: Any) -> None:
    (row,) = rows(store, "fingerprints", TOLD | {semconv.PREFIX_BLOCKS: "0123456789ab" * 1024})
    assert len(row["blocks"]) == 12 * (8192 // 12)


@pytest.mark.parametrize("value", ["", "[", "not json", -1, 1e300, float("nan"), [{"a": [None]}], b"\xff", "\ud800"])
def test_no_value_stops_a_segment(store: Any, value: Any) -> None:
    hostile = dict.fromkeys(TOLD, value) | {semconv.OUTCOME: "ok", semconv.FINGERPRINT_REQUEST: "xyz"}
    assert len(rows(store, "call_details", hostile)) == 1
    assert store.size()["call_notes"].rows <= 1


def test_a_segment_written_again_adds_nothing(store: Any) -> None:
    rows(store, "call_details", TOLD)
    assert len(rows(store, "call_details", TOLD)) == 1
    assert store.size()["fingerprints"].rows == store.size()["call_notes"].rows == 1


def test_spans_of_others_have_no_details(store: Any) -> None:
    assert rows(store, "call_details", {"gen_ai.operation.name": "chat"}) == []
