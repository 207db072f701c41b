"""What the API lets one do with the ledger: one JSON object in, one out."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.ledger import allocation
from spanledger_collector.ledger.allocation import Rules
from spanledger_collector.ledger.explain import explain
from spanledger_collector.ledger.price_lines import PriceLines
from spanledger_collector.ledger.reconcile import bill_of, gaps, keep
from spanledger_collector.ledger.reprice import Repricing
from spanledger_collector.pricing.quote import quote

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from spanledger_collector.ledger.exports import Bill
    from spanledger_collector.ledger.reprice import Difference, Tables
    from spanledger_collector.ledger.stored import RunQuery
    from spanledger_collector.pricing import Book

_DAY: Final = timedelta(days=1)
MOST_DAYS: Final = 400
_SHOWN: Final = 50  # price lines whose calls moved, of one day

Body = dict[str, Any]
Path = dict[str, str]


class BadRequest(ValueError):
    """A field of the request cannot be used; the text names it, its value and the remedy."""


class Desk:
    """Thread-safe; times are UTC, money is Decimal."""

    def __init__(self, run_query: RunQuery, tables: Tables, book: Book, rules: Rules | None = None) -> None:
        self._rules = rules or Rules()
        self._run_query, self._tables, self._book = run_query, tables, book
        self._repricing = Repricing(run_query, tables, book.price, book.describe().version)
        self.price_lines = PriceLines(run_query, tables, book)

    def explain(self, path: Mapping[str, str], _: Body) -> Body:
        return {"calls": explain(self._run_query, self._book, path["call"].replace(":", "/"))}

    def quote(self, _: Mapping[str, str], body: Body) -> Body:
        quoted = quote(self._book, body)
        return {
            "id": body.get("id"),
            "cost_usd": quoted.cost.total,
            "grade": quoted.cost.grade,
            "explanation": quoted.explanation,
        }

    def reprice(self, _: Mapping[str, str], body: Body) -> Body:
        """``{from, to, apply, restate, reason}``: days, the last not included."""
        first, last = _day(body, "from"), _day(body, "to")
        if not timedelta(0) < last - first <= MOST_DAYS * _DAY:
            raise BadRequest(f"'to' {body['to']!r} must be after 'from' {body['from']!r}, by at most {MOST_DAYS} days")
        apply, restate = body.get("apply") is True, body.get("restate") is True
        reason = str(body.get("reason") or "")
        if apply and not reason:
            raise BadRequest("'reason' is missing; every report shows why a cost was restated")
        days = (first + index * _DAY for index in range((last - first).days))
        done = (
            self._repricing.apply(day, reason, restate=restate) if apply else self._repricing.preview(day)
            for day in days
        )
        return {"days": [_shown(one) for one in done if one.calls]}

    def take_bills(self, _: Mapping[str, str], body: Body) -> Body:
        """``{rows: [...]}``, see ``reconcile.bill_of``; whole days, since they replace what was there."""
        rows = body.get("rows")
        if not isinstance(rows, list) or not rows:
            raise BadRequest(f"'rows' is {str(rows)[:100]}; send the lines of an export, of whole days")
        bills = [_bill(row, place) for place, row in enumerate(rows)]
        keep(self._tables, bills)
        return {"rows": len(bills)}

    def allocation(self, given: Mapping[str, Any]) -> Body:
        """``{from, to}``: days, the last not included. By team, shared cost split by the rules."""
        rows = self._run_query("allocation", _window(given) | {"per": ["team"]}).to_pylist()
        return allocation.shown(rows, self._rules)

    def gaps(self, _: Mapping[str, str], body: Body) -> Body:
        """``{from, to}``: days, the last not included."""
        rows = self._run_query("reconciliation", _window(body)).to_pylist()
        found = [{**asdict(gap), "day": str(gap.day), "difference": gap.difference} for gap in gaps(rows)]
        return {"compared": len(rows), "gaps": found}

    def lines(self, _: Mapping[str, str], __: Body) -> Body:
        return {"lines": self.price_lines.all()}

    def put_line(self, path: Mapping[str, str], body: Body) -> Body:
        self.price_lines.put(path["name"], body)
        return {"id": path["name"]}

    def remove_line(self, path: Mapping[str, str], _: Body) -> Body:
        self.price_lines.remove(path["name"])
        return {"id": path["name"]}


def _bill(row: Body, place: int) -> Bill:
    try:
        return bill_of(row)
    except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
        raise BadRequest(f"row {place} is {str(row)[:200]}: {error}; see docs/cost-accuracy.md") from error


def _shown(one: Difference) -> Body:
    names = ("model", "price_before", "price_after", "grade_before", "grade_after")
    moved = [
        named
        | {
            "calls": some.calls,
            "before": _known(some.before, named["grade_before"]),
            "after": _known(some.after, named["grade_after"]),
        }
        for some in one.moved[:_SHOWN]
        for named in [dict(zip(names, some.names, strict=True))]
    ]
    return {**asdict(one), "day": f"{one.day:%Y-%m-%d}", "moved": moved}


def _known(usd: Decimal, grade: str) -> Decimal | None:
    """None where the cost of these calls is not known: never zero for unknown."""
    return None if grade == "unknown" else usd


def _window(body: Mapping[str, Any]) -> dict[str, list[str]]:
    return {name: [f"{_day(body, name):%Y-%m-%dT%H:%M:%SZ}"] for name in ("from", "to")}


def _day(body: Mapping[str, Any], name: str) -> datetime:
    try:
        return datetime.strptime(str(body.get(name)), "%Y-%m-%d").replace(tzinfo=timezone.utc)
    except ValueError as error:
        raise BadRequest(f"{name!r} is {body.get(name)!r}; write a UTC day like 2026-11-01") from error
