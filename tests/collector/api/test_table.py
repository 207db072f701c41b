from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanledger_collector.api.table import json_text, plain, rfc3339
from spanledger_collector.queries.parameter import LAST_NS, moment

MONEY = pa.decimal128(38, 18)


@given(st.integers(-(10**38) + 1, 10**38 - 1))
def test_money_loses_no_digit_and_gains_no_exponent(units):
    text = plain(pa.scalar(Decimal(f"{units}E-18"), MONEY).as_py())
    assert "E" not in text
    assert not ("." in text and text.endswith(("0", ".")))
    whole, _, fraction = text.partition(".")
    assert int(whole + fraction.ljust(18, "0")) == units


@pytest.mark.parametrize(("money", "text"), [("0E-18", "0"), ("100.000", "100"), ("1E+3", "1000"), ("0.10", "0.1")])
def test_money_is_written_plainly(money, text):
    assert plain(Decimal(money)) == text


@given(st.integers(0, LAST_NS))
def test_every_time_reads_back_as_itself(nanoseconds):
    assert moment(rfc3339(nanoseconds)) == nanoseconds


def test_what_json_cannot_hold_is_null():
    table = pa.table({"share": pa.array([float("nan"), float("inf"), 0.5, None])})
    assert json_text(table) == b'{"columns": ["share"], "rows": [[null], [null], [0.5], [null]]}'
