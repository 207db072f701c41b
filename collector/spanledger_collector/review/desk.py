"""What the API asks of the review: its data, its files, and what would have been."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.pricing.overrides import line_of_json
from spanledger_collector.review.answer import answer, opening_answer
from spanledger_collector.review.begun import Begun
from spanledger_collector.review.budget import Scope
from spanledger_collector.review.export import Export, Focus, export
from spanledger_collector.review.pack import Asked, begin, collect
from spanledger_collector.review.period import Period
from spanledger_collector.review.what_if import Scenario, estimates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spanledger_collector.pricing import Book
    from spanledger_collector.pricing.overrides import PriceLine
    from spanledger_collector.review.ledger import Asking

Json = dict[str, Any]
OPENING: Final = "opening"
REVIEWED: Final = ("all", OPENING)  # what may be asked of a review


class ReviewDesk:
    """Thread-safe; every method takes the parameters' values by name, absent ones as None or empty."""

    def __init__(self, ledger: Asking, book: Book) -> None:
        self._ledger, self._book = ledger, book
        self._begun = Begun()

    def review(self, given: Mapping[str, Any]) -> Json:
        """All of it, or what it opens with: then the whole review as of the same moment goes on with that reading."""
        asked = _asked(given)
        if given["part"] == OPENING:
            return opening_answer(self._begun.keep(begin(self._ledger, asked)))
        return answer(collect(self._ledger, asked, self._begun.take(asked)))

    def file(self, given: Mapping[str, Any]) -> Export:
        how = Focus(given["focus_version"], given["billing_account"])
        return export(self._ledger, _asked(given), given["format"], how)

    def what_if(self, given: Mapping[str, Any]) -> Json:
        """Per feature and in all, where every feature's estimate is known."""
        asked = _asked(given)
        scenario = Scenario(given["to_provider"], given["to_model"], given["cache_hit"], given["batch"])
        books = self._book, self._book.under(given["price"])
        rows = self._ledger.ask("segments", **asked.period.params(), **asked.scope.filters)
        found = estimates(rows, scenario, books, asked.period.end - timedelta(days=1))
        features = [
            {"feature": each.feature, "cost_usd": each.known, "estimate_usd": each.then, "reason": each.reason}
            for each in found
        ]
        return {"period": asked.period.name, "grade": "modelled", "features": features}


def _asked(given: Mapping[str, Any]) -> Asked:
    now = given.get("now") or datetime.now(timezone.utc)
    period = given["period"] or Period.month(now)
    scope = Scope(given["team"], given["feature"], given["model"])
    return Asked(period, given.get("against") or period.previous, now, scope)


def price_line(text: str) -> PriceLine:
    """One line of a price list as JSON. Raises ValueError."""
    try:
        values = json.loads(text)
    except ValueError as error:
        raise ValueError(f"it is no JSON ({error}); write one line of a price list as an object") from error
    if not isinstance(values, dict):
        raise ValueError("write one line of a price list as a JSON object")  # noqa: TRY004 - of a text
    return line_of_json(values, "asked")
