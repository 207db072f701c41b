"""A number leads to the calls behind it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.support.api_double import ApiDouble
from tests.support.api_rows import HOSTILE, hostile, small

from spanledger_collector.queries import search
from spanledger_dashboard import links

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamlit.testing.v1 import AppTest


def read(address: str) -> dict[str, list[str]]:
    path, query = urlsplit(address).path, urlsplit(address).query
    assert path == "calls"
    return parse_qs(query)


@pytest.mark.parametrize("name", [name for name in HOSTILE if 0 < len(name) <= 180])
def test_a_name_arrives_as_it_is(name: str) -> None:
    assert read(links.calls(model=name))["model"] == [name]
    (term,) = read(links.calls(("error_type", name)))["q"]
    assert search.read(term) == ("error_type", name)


def test_calls_without_a_name_are_searched_for() -> None:
    (term,) = read(links.calls(team="", model="gpt-4.1"))["q"]
    assert search.read(term) == ("team", "")


def test_days_are_utc_s_and_names_too_long_lead_nowhere() -> None:
    found = read(links.calls(days=(date(2026, 11, 1), date(2026, 11, 26))))
    assert found == {"range": ["Custom days"], "days": ["2026-11-01", "2026-11-26"], "zone": ["UTC"]}
    assert not links.calls(model="x" * 181)


def test_figures_and_rows_lead_to_the_calls_in_the_view(opened: Callable[..., AppTest]) -> None:
    with ApiDouble(small()) as api:
        app = opened(api, "", team="support", range="Last 30 days")
    shown = [table.value for table in app.dataframe if "See" in table.value.columns]
    assert len(shown) == 2
    for address in (address for table in shown for address in table["See"]):
        assert read(address) | {"range": ["Last 30 days"], "team": ["support"]} == read(address)
    assert any("(calls?range=Last+30+days&team=support&q=outcome%3D%22error%22)" in each.value for each in app.caption)


def test_hostile_names_lead_nowhere_but_to_calls(opened: Callable[..., AppTest]) -> None:
    with ApiDouble(hostile()) as api:
        app = opened(api, "")
    addresses = [address for table in app.dataframe if "See" in table.value.columns for address in table.value["See"]]
    assert len(addresses) == 2 * len(HOSTILE)
    assert all(not address or urlsplit(address)[:3] == ("", "", "calls") for address in addresses)
