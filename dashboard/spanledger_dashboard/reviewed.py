"""The review as the API tells it, for the period and scope that the bar names; money as Decimal, times aware."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from spanledger_dashboard import cache, links
from spanledger_dashboard.format import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spanledger_dashboard.client import Params

SCOPES: Final = ("team", "feature", "model")
_ALL: Final = "all"
_BEFORE: Final = "the period before"
_MONTHS, _WEEKS = 6, 6
_MONEY: Final = ("usd", "cost", "request", "success", "user", "own", "shared", "total", "unallocated")
_PER_MILLION: Final = "per_million"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is reviewed: a month or ISO week in UTC, what it is held against, and of whom."""

    period: str
    against: str
    scope: Params

    def params(self) -> Params:
        edges = (("period", self.period), ("against", self.against))
        return tuple(pair for pair in (*edges, *self.scope) if pair[1])


def bar() -> Asked:
    """Which period, against which, of whom; all of it lives in the URL."""
    today = datetime.now(timezone.utc).date()
    with st.container(horizontal=True, gap="small", key="review-filters"):
        period = _choice("Period (UTC)", [*months(today), *weeks(today)], "period")
        others = [name for name in (*months(today), *weeks(today)) if len(name) == len(period) and name != period]
        against = _choice("Against", [_BEFORE, *others], "against")
        picked = [(name, _choice(name.capitalize(), [_ALL, *_names(name)], f"of-{name}")) for name in SCOPES]
    scope = tuple((name, value) for name, value in picked if value != _ALL)
    return Asked(period, "" if against == _BEFORE else against, scope)


def _choice(label: str, options: list[str], key: str) -> str:
    return str(st.selectbox(label, options, key=key, bind="query-params", width=185))


def months(today: date) -> list[str]:
    """The running month and those before, newest first: 2026-11."""
    found = [today.replace(day=1)]
    while len(found) < _MONTHS:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return [f"{day:%Y-%m}" for day in found]


def weeks(today: date) -> list[str]:
    """The running ISO week and those before, newest first: 2026-W48."""
    return [f"{day:%G-W%V}" for day in (today - timedelta(weeks=number) for number in range(_WEEKS))]


def _names(dimension: str) -> list[str]:
    return [row["name"] for row in cache.names("names") if row["dimension"] == dimension]


def opening(asked: Asked) -> dict[str, Any]:
    """What the page says first: headline, totals, what was restated. Raises ApiError."""
    told: dict[str, Any] = exact(cache.told("/review", (*asked.params(), ("part", "opening"))))
    return told


def answer(asked: Asked, opened: Mapping[str, Any]) -> dict[str, Any]:
    """All of it, of the moment at which it was opened. Raises ApiError."""
    told: dict[str, Any] = exact(cache.told("/review", (*asked.params(), ("now", opened["as_of"]))))
    return told


def behind(told: Mapping[str, Any], *terms: tuple[str, str], **only: str) -> str:
    """The address of calls of the period and scope that are reviewed, up to now."""
    first, end, now = (date.fromisoformat(text[:10]) for text in (*_edges(told), told["as_of"]))
    return links.calls(*terms, days=(first, min(end - timedelta(days=1), now)), **told["scope"], **only)


def _edges(told: Mapping[str, Any]) -> tuple[str, str]:
    return told["period"]["from"], told["period"]["to"]


def this_month() -> dict[str, Any]:
    """The review of the running month, of everybody."""
    asked = Asked(f"{datetime.now(timezone.utc):%Y-%m}", "", ())
    return answer(asked, opening(asked))


def exact(value: Any, name: str = "") -> Any:
    """The same with money read as Decimal; every field of money ends in one of a few words."""
    if isinstance(value, dict):
        every = name in (_PER_MILLION, "bars")
        return {key: exact(each, "usd" if every and isinstance(each, str) else key) for key, each in value.items()}
    if isinstance(value, list):
        return [exact(each, "" if name == "bars" else name) for each in value]
    return Decimal(value) if isinstance(value, str) and name.endswith(_MONEY) else value


def restated(told: dict[str, Any]) -> str:
    """That days were priced again since, as a sentence; empty where none was."""
    days = len(told["restatements"]["days"])
    return (
        f" {counted(days, 'day')} of these periods {'was' if days == 1 else 'were'} priced again since." if days else ""
    )
