from __future__ import annotations

import csv
import io
from decimal import Decimal

import pyarrow.parquet as pq
from tests.support.api_rows import call

from spanledger_dashboard.tables import as_csv, as_parquet


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_download_has_every_digit_in_plain_notation() -> None:
    (row,) = read(as_csv([call(cost_usd=Decimal("1E-18"))]))
    assert row["cost_usd"] == "0.000000000000000001"


def test_an_unknown_cost_is_empty_in_a_download_and_not_zero() -> None:
    (row,) = read(as_csv([call(cost_usd=None, cost_grade="unknown")]))
    assert (row["cost_usd"], row["cost_grade"]) == ("", "unknown")


def test_a_name_that_is_a_formula_is_text_to_a_spreadsheet() -> None:
    names = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx"]
    assert [row["model"] for row in read(as_csv([call(model=name) for name in names]))] == [
        f"'{name}" for name in names
    ]


def test_a_name_with_quotes_and_lines_survives() -> None:
    name = 'a "quoted", name\nof two lines'
    assert read(as_csv([call(model=name)]))[0]["model"] == name


def test_a_download_of_nothing_is_empty() -> None:
    assert as_csv([]) == ""


def test_parquet_keeps_money_exact_times_aware_and_unknown_null() -> None:
    rows = [call(cost_usd=Decimal("1E-18"), labels=[("a", "b")]), call(cost_usd=None, labels=[])]
    first, second = pq.read_table(io.BytesIO(as_parquet(rows))).to_pylist()
    assert (first["cost_usd"], second["cost_usd"]) == (Decimal("1E-18"), None)
    assert first["start"] == rows[0]["start"]
    assert second["labels"] is None
    assert first["labels"] == '{"a": "b"}'
    assert pq.read_table(io.BytesIO(as_parquet([]))).num_rows == 0
