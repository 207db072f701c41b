"""`spanledger prices`: usage objects in, exact costs with their explanation out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from spanledger_collector.pricing.command import main

if TYPE_CHECKING:
    from pathlib import Path

RECORD = {
    "id": "a",
    "provider": "openai",
    "model": "gpt-4o",
    "timestamp": "2025-06-01T12:00:00Z",
    "usage": {"prompt_tokens": 8000, "completion_tokens": 512, "prompt_tokens_details": {"cached_tokens": 6144}},
}


def quoted(tmp_path: Path, *records: Any) -> list[dict[str, Any]]:
    (tmp_path / "in.json").write_text(json.dumps(records))
    assert main(["prices", "quote", str(tmp_path / "in.json"), "--out", str(tmp_path / "out.json")]) == 0
    answers: list[dict[str, Any]] = json.loads((tmp_path / "out.json").read_text())
    return answers


def test_a_quote_is_an_exact_decimal_with_its_explanation(tmp_path: Path):
    (answer,) = quoted(tmp_path, RECORD)
    assert (answer["id"], answer["cost_usd"], answer["grade"]) == ("a", "0.01744", "measured")
    assert "cached input 6144 x $1.25/M = $0.00768" in answer["explanation"]


def test_an_unknown_cost_is_null(tmp_path: Path):
    (answer,) = quoted(tmp_path, RECORD | {"model": "gpt-99-unknown"})
    assert (answer["cost_usd"], answer["grade"]) == (None, "unknown")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"usage": None}, "'usage' is None"),
        ({"usage": {}}, "usage has nothing"),
        ({"usage": {"words": 7}}, "usage has words: no provider's usage object"),
        ({"usage": {"prompt_tokens": -5}}, "'prompt_tokens' is -5"),
        ({"usage": {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 6}}}, "6 cached of 5 input"),
        ({"timestamp": "yesterday"}, "'timestamp' is 'yesterday'"),
        ({"model": 4}, "'model' is 4"),
    ],
)
def test_a_record_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path, change: dict[str, Any], problem: str):
    unreadable, readable = quoted(tmp_path, RECORD | change, RECORD)
    assert (unreadable["cost_usd"], unreadable["grade"]) == (None, "unknown")
    assert problem in unreadable["explanation"]
    assert readable["cost_usd"] == "0.01744"


@pytest.mark.parametrize("text", ["no json", '{"id": 1}', "[1]"])
def test_a_file_that_is_no_list_of_records_is_refused(tmp_path: Path, capsys: Any, text: str):
    (tmp_path / "in.json").write_text(text)
    assert main(["prices", "quote", str(tmp_path / "in.json")]) == 1
    assert "in.json" in capsys.readouterr().err


def test_the_prices_in_use_are_shown(capsys: Any):
    assert main(["prices", "show"]) == 0
    assert "genai-prices" in capsys.readouterr().out
