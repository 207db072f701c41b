"""The kinds of rules people write: thresholds, burn rates of an objective, and monthly budgets."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import MISSING, Field, dataclass, field, fields
from datetime import datetime, timedelta
from math import isfinite, sqrt
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from typing_extensions import Self

from spanledger_collector.alerts.verdict import Judgement, Timing, Verdict
from spanledger_collector.queries.parameter import NARROWED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from spanledger_collector.alerts.record import Row
    from spanledger_collector.alerts.stored_calls import RunQuery
    from spanledger_collector.alerts.verdict import Labels

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_METRICS: Final = ("calls", "failures", "failure_share", "cost_usd", "cost_usd_per_call", "p95_ms")
_NO_DATA: Final = ("keep", "zero", "alert")
_NUMBERS: Final = ("above", "below", "objective", "usd", "share")
_BURNS: Final = ((14.4, "1h", "5m"), (6.0, "6h", "30m"), (1.0, "3d", "6h"))
"""Burn rate, long and short window: 2 %, 5 % and 10 % of a 30-day budget (SRE Workbook, table 5-8)."""
_LEAST_CALLS: Final = 20
_Z95: Final = 1.959963984540054
Own = TypeVar("Own", bound="_Own")


def duration(text: str) -> timedelta:
    """From 30s, 5m, 1h or 3d. Raises ValueError."""
    match = re.fullmatch(r"(\d+)([smhd])", str(text))
    if not match:
        raise ValueError(f"{text!r} is no duration; use one like 30s, 5m, 1h or 3d")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def _check_duration(name: str, text: str) -> None:
    try:
        duration(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Own(ABC):
    name: str
    filters: Mapping[str, str] = field(default_factory=dict)
    pending_for: str = "0s"
    keep_firing_for: str = "5m"
    owner: str = ""
    runbook_url: str = ""

    @classmethod
    def read(cls, entry: dict[str, Any]) -> Self:
        """From a TOML table, ``for`` being ``pending_for``. Raises TypeError, ValueError with the remedy."""
        entry = {("pending_for" if name == "for" else name): value for name, value in entry.items()}
        known = {one.name: one for one in fields(cls)}
        if unknown := entry.keys() - known.keys():
            there = sorted("for" if name == "pending_for" else name for name in known)
            raise ValueError(f"{min(unknown)!r} is not known; there are {', '.join(there)}")
        if missing := [one.name for one in known.values() if _is_needed(one) and one.name not in entry]:
            raise ValueError(f"{missing[0]!r} is missing; a rule of this kind needs it")
        for name, value in entry.items():
            _check_type(name, value)
        own = cls(**entry)
        if strange := own.filters.keys() - set(NARROWED):
            raise ValueError(f"filters has {min(strange)!r}; use {', '.join(NARROWED)}")
        own.check()
        return own

    def check(self) -> None:
        if not self.name.strip():
            raise ValueError("name is empty; it is the alert's identity, give it one")
        for field_name, text in (("for", self.pending_for), ("keep_firing_for", self.keep_firing_for)):
            _check_duration(field_name, text)

    @abstractmethod
    def judge(self, ask: Ask, now: datetime) -> Verdict: ...

    def rule(self, run_query: RunQuery) -> OwnRule:
        return OwnRule(self, run_query)

    @property
    def labels(self) -> Labels:
        return tuple(sorted(self.filters.items()))

    @property
    def definition(self) -> dict[str, Any]:
        """As it is written, ``for`` being ``pending_for``; with what it did not say and holds."""
        told = {one.name: getattr(self, one.name) for one in fields(self)}
        told = {name: dict(value) if name == "filters" else value for name, value in told.items() if value is not None}
        kind = next(name for name, made in KINDS.items() if type(self) is made)
        return {"kind": kind, **{("for" if name == "pending_for" else name): value for name, value in told.items()}}

    @property
    def timing(self) -> Timing:
        return Timing(duration(self.pending_for), duration(self.keep_firing_for), self.owner, self.runbook_url)


def _is_needed(one: Field[Any]) -> bool:
    return one.default is MISSING and one.default_factory is MISSING


def _check_type(name: str, value: object) -> None:
    if name == "filters":
        if not isinstance(value, dict) or not all(isinstance(one, str) and one for one in value.values()):
            raise ValueError(f'filters is {value!r}; give names and texts, as in {{"service": "checkout"}}')
    elif name in _NUMBERS:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
            raise ValueError(f"{name} is {value!r}; give a number")
    elif not isinstance(value, str):
        raise ValueError(f"{name} is {value!r}; give a text")


class Ask(Protocol):
    """The named queries ``totals`` and ``latency``, narrowed to a rule's filters and a window that ends now."""

    def row(self, query: str, since: datetime) -> Row: ...


@dataclass(frozen=True, slots=True)
class StoredAsk:
    """Of the ledger as it is."""

    run_query: RunQuery
    filters: Mapping[str, str]
    now: datetime

    def row(self, query: str, since: datetime) -> Row:
        asked = {name: [value] for name, value in self.filters.items()}
        window = {"from": [since.isoformat()], "to": [self.now.isoformat()]}
        rows: list[Row] = self.run_query(query, asked | window).to_pylist()
        return rows[0] if rows else {}


@dataclass(frozen=True, slots=True)
class OwnRule:
    own: _Own
    run_query: RunQuery

    @property
    def timing(self) -> Timing:
        return self.own.timing

    def owns(self, rule: str) -> bool:
        return rule == self.own.name

    def judge(self, now: datetime) -> Sequence[Verdict] | None:
        """None when there is no data and the rule is to stay as it is."""
        verdict = self.own.judge(StoredAsk(self.run_query, self.own.filters, now), now)
        return None if verdict.judgement == "not_enough_data" else [verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold(_Own):
    """``metric`` of the calls in ``window`` above or below a number; ``no_data``: keep, zero or alert."""

    metric: str
    above: float | None = None
    below: float | None = None
    window: str = "1h"
    no_data: str = "keep"

    def check(self) -> None:
        _Own.check(self)
        _check_duration("window", self.window)
        if not duration(self.window):
            raise ValueError(f"window {self.window!r} holds no call; use one like 5m or 1h")
        if self.metric not in _METRICS:
            raise ValueError(f"metric {self.metric!r} is not known; use one of {', '.join(_METRICS)}")
        if (self.above is None) == (self.below is None):
            raise ValueError("give either above or below, a number")
        if self.no_data not in _NO_DATA:
            raise ValueError(f"no_data {self.no_data!r} is not known; use one of {', '.join(_NO_DATA)}")

    def judge(self, ask: Ask, now: datetime) -> Verdict:
        since = now - duration(self.window)
        calls = int(ask.row("totals", since)["calls"])
        value = self._value(ask, since)
        limit = self.above if self.above is not None else self.below
        side = "above" if self.above is not None else "below"
        seen = "no data" if value is None else f"{value:,.6g}"
        return Verdict(
            rule=self.name,
            kind="threshold",
            labels=self.labels,
            judgement=self._judgement(value),
            calls=calls,
            seen=value or 0.0,
            expected=float(limit or 0.0),
            unit=self.metric,
            window_minutes=int(duration(self.window).total_seconds() // 60),
            summary=f"{self.metric} of the last {self.window} is {seen}; the rule allows none {side} {limit:g}",
            basis=f"{self.metric} {side} {limit:g} over {self.window}",
        )

    def _judgement(self, value: float | None) -> Judgement:
        if value is None and self.no_data == "keep":
            return "not_enough_data"
        if value is None and self.no_data == "alert":
            return "failing"
        number = value or 0.0
        if self.above is not None:
            return "failing" if number > self.above else "normal"
        return "failing" if number < (self.below or 0.0) else "normal"

    def _value(self, ask: Ask, since: datetime) -> float | None:
        """None: no calls, or calls of unknown cost; a count of calls is never unknown."""
        if self.metric == "p95_ms":
            found = ask.row("latency", since)
            return found.get("p95_ms")
        row = ask.row("totals", since)
        if self.metric in ("calls", "failures"):
            return float(row[self.metric])
        if not row["calls"] or (self.metric.startswith("cost") and row["cost_usd"] is None):
            return None
        value: Decimal | int = row["failures"] if self.metric == "failure_share" else row["cost_usd"]
        return float(value) if self.metric == "cost_usd" else float(value) / row["calls"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnRate(_Own):
    """The error budget of ``objective`` spent too fast, in a long and a short window at once (SRE Workbook, chapter 5).

    Few calls prove little: the long window needs twenty, and the lower end of the failure rate's 95 % interval counts.
    """

    objective: float

    def check(self) -> None:
        _Own.check(self)
        if not 0 < self.objective < 1:
            raise ValueError(f"objective {self.objective} is no share; use one like 0.99")

    def judge(self, ask: Ask, now: datetime) -> Verdict:
        budget = 1 - self.objective
        found = [self._burn(ask, now, *burn, budget) for burn in _BURNS]
        failing = [verdict for verdict in found if verdict.judgement == "failing"]
        return (failing or found)[0]

    def _burn(self, ask: Ask, now: datetime, rate: float, long: str, short: str, budget: float) -> Verdict:  # noqa: PLR0917
        past, recent = (ask.row("totals", now - duration(window)) for window in (long, short))
        calls, failures = int(past["calls"]), int(past["failures"])
        allowed = rate * budget
        burning = calls >= _LEAST_CALLS and lower_rate(calls, failures) > allowed
        now_too = recent["calls"] and recent["failures"] / recent["calls"] > allowed
        return Verdict(
            rule=self.name,
            kind="burn_rate",
            labels=self.labels,
            judgement="failing" if burning and now_too else "normal",
            calls=calls,
            seen=float(failures),
            expected=calls * budget,
            unit="failures",
            window_minutes=int(duration(long).total_seconds() // 60),
            summary=(
                f"{failures:,} of {calls:,} calls failed in the last {long}: {failures / max(calls, 1) / budget:.1f} "
                f"times what the objective of {self.objective:.3%} allows"
            ),
            basis=f"error budget spent {rate:g} times too fast over {long} and {short}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget(_Own):
    """Known cost of the running month, UTC, against ``usd``: fires at ``share`` of it."""

    usd: float
    share: float = 1.0

    def check(self) -> None:
        _Own.check(self)
        if self.usd <= 0 or not 0 < self.share <= 1:
            raise ValueError("usd must be above 0, and share above 0 and at most 1")

    def judge(self, ask: Ask, now: datetime) -> Verdict:
        month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        row = ask.row("totals", month)
        cost = row["cost_usd"]
        spent, limit = float(cost or 0), self.usd * self.share
        left_out = f"; {row['unpriced_calls']:,} calls of unknown cost are not in it" if row["unpriced_calls"] else ""
        return Verdict(
            rule=self.name,
            kind="budget",
            labels=self.labels,
            judgement="not_enough_data" if cost is None else "failing" if spent >= limit else "normal",
            calls=int(row["calls"]),
            seen=spent,
            expected=limit,
            unit="US dollars",
            window_minutes=int((now - month).total_seconds() // 60),
            summary=f"${spent:,.2f} of ${self.usd:,.2f} are spent this month ({spent / self.usd:.0%}){left_out}",
            basis=f"{self.share:.0%} of ${self.usd:,.2f} a month",
        )


def lower_rate(calls: int, failures: int) -> float:
    """Lower end of the Wilson 95 % interval of a share."""
    share = failures / calls
    spread = _Z95 * sqrt(share * (1 - share) / calls + _Z95**2 / (4 * calls**2))
    return (share + _Z95**2 / (2 * calls) - spread) / (1 + _Z95**2 / calls)


KINDS: Final[Mapping[str, type[_Own]]] = {"threshold": Threshold, "burn_rate": BurnRate, "budget": Budget}
