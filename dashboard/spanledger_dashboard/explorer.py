"""Known spend by any two dimensions: from rows of the query ``segments`` to a picture, a table and the movers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import altair as alt
import pandas as pd

from spanledger_dashboard import cache, cards, charts, links, listing, tables
from spanledger_dashboard.format import count, counted, money, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spanledger_dashboard.cache import Row
    from spanledger_dashboard.charts import Series
    from spanledger_dashboard.filters import Selection

DIMENSIONS: Final = ("model", "service", "feature", "team", "provider", "environment")
_ENVIRONMENT: Final = "environment"  # asked for only where it is shown: it makes an answer longer
_MOST_BARS: Final = 12
_ROW_PIXELS: Final = 30
_AXES_PIXELS: Final = 140  # with a legend of four lines, as on a phone


@dataclass(slots=True)
class Sum:
    """Calls and what is known of their cost."""

    calls: int = 0
    priced: int = 0
    cost: Decimal = Decimal(0)

    def add(self, row: Row) -> None:
        self.calls += row["calls"]
        self.priced += row["priced_calls"]
        self.cost += row["cost"]

    @property
    def known(self) -> Decimal | None:
        """None where there are calls and no price."""
        return None if self.calls and not self.priced else self.cost


def asked(chosen: Selection, by: tuple[str, str]) -> list[Row]:
    """Rows that have both dimensions; raises ApiError."""
    if _ENVIRONMENT not in by:
        return cache.rows("segments", chosen.params())
    return [row | {_ENVIRONMENT: row["key"]} for row in cache.rows("segments", chosen.params(by=_ENVIRONMENT))]


def summed(rows: Sequence[Row], *by: str) -> dict[tuple[str, ...], Sum]:
    """By the dimensions, most money first."""
    sums: dict[tuple[str, ...], Sum] = defaultdict(Sum)
    for row in rows:
        sums[tuple(row[name] for name in by)].add(row)
    return dict(sorted(sums.items(), key=lambda pair: (-pair[1].cost, -pair[1].calls, pair[0])))


def leading(rows: Sequence[Row], by: tuple[str, str]) -> str:
    """The pair that costs most, as the end of the page's sentence."""
    pairs = summed(rows, *by)
    pair, most = next(iter(pairs.items()), (("", ""), Sum()))
    if not most.cost:
        return ""
    return f" The largest part is {quoted(pair[0])} with {quoted(pair[1])}, {money(most.cost)}."


def chart(rows: Sequence[Row], by: tuple[str, str], shown: Series) -> alt.Chart:
    """A bar for each key of the first dimension, stacked by the second."""
    # A bar of no length would say that unpriced calls are free: they stand in the table.
    first = [key[0] for key, found in summed(rows, by[0]).items() if found.known is not None][:_MOST_BARS]
    names = dict(zip(first, charts.distinct(first), strict=True))
    ranks = {name: rank for rank, name in enumerate(shown.names)}
    frame = pd.DataFrame(
        [_bar(key, found, names, shown, ranks) for key, found in summed(rows, *by).items() if key[0] in names]
    )
    drawn: alt.Chart = (
        alt.Chart(frame, height=_ROW_PIXELS * len(first) + _AXES_PIXELS, padding=charts.NO_PADDING)
        .mark_bar(size=16, cornerRadiusEnd=1)
        .encode(
            x=alt.X("dollars:Q", axis=charts.axis("US dollars", format="$,.2~r", tickCount=5), stack="zero"),
            y=alt.Y("name:N", sort=list(names.values()), axis=charts.axis(None, grid=False, labelLimit=220)),
            color=charts.series_colour(shown),
            order=alt.Order("rank:Q"),
            tooltip=[alt.Tooltip(f"{name}:N") for name in ("name", "series", "spend", "calls")],
        )
    )
    return drawn


def _bar(key: tuple[str, ...], found: Sum, names: Mapping[str, str], shown: Series, ranks: Mapping[str, int]) -> Row:
    series = shown.leading.get(key[1], shown.others or "other")
    said = {"spend": money(found.known), "calls": counted(found.calls, "call")}
    return {
        "name": names[key[0]],
        "series": series,
        "rank": ranks.get(series, len(ranks)),
        "dollars": float(found.cost),
        **said,
    }


def moved(now: Sequence[Row], then: Sequence[Row], by: tuple[str, str]) -> list[Row]:
    """Pairs with both periods' known spend; ``change`` is None unless both are known."""
    new, old = summed(now, *by), summed(then, *by)
    return [_moved(pair, new.get(pair, Sum()), old.get(pair, Sum())) for pair in dict.fromkeys((*new, *old))]


def _moved(pair: tuple[str, ...], new: Sum, old: Sum) -> Row:
    known = new.known is not None and old.known is not None
    change = new.cost - old.cost if known else None
    costs = {"before": old.known, "change": change, "cost": new.known}
    return {"first": pair[0], "second": pair[1], "calls": new.calls, **costs}


def table(rows: Sequence[Row], by: tuple[str, str], compared: str) -> None:
    """Every pair, most money first; changes only where the periods can be compared."""
    with cards.card("Every part", "Most money first; without any price it is unknown, not free.") as controls:
        fields = {by[0].capitalize(): ("first", "text"), f"{by[1].capitalize()} ": ("second", "text")}
        before = {"Before": ("before", money), "Change": ("change", signed)} if compared else {}
        told = fields | {"Calls": ("calls", count)} | before | {"Spend": ("cost", money)}
        listing.draw(_seen(rows, by), told | listing.SEE, most_rows=12)
        tables.download(rows, f"spend-by-{by[0]}-and-{by[1]}", controls)


def movers(rows: Sequence[Row], by: tuple[str, str], against: str) -> None:
    """The pairs whose known spend changed most, either way."""
    changed = sorted((row for row in rows if row["change"]), key=lambda row: -abs(row["change"]))[:8]
    with cards.card("Top movers", f"Known spend against {against}.") as controls:
        names = {by[0].capitalize(): ("first", "text"), f"{by[1].capitalize()} ": ("second", "text")}
        listing.draw(_seen(changed, by), names | {"Change": ("change", signed), "Spend": ("cost", money)} | listing.SEE)
        tables.download(changed, "top-movers", controls)


def _seen(rows: Sequence[Row], by: tuple[str, str]) -> list[Row]:
    """Each with the address of the calls behind it."""
    return [row | {"see": links.calls(**{by[0]: row["first"], by[1]: row["second"]})} for row in rows]


def signed(change: Decimal | None) -> str:
    """With its sign; money() says none."""
    return money(change) if change is None or change <= 0 else f"+{money(change)}"


def series_of(rows: Sequence[Row], by: str) -> list[Row]:
    """Keys of a dimension by money, as charts.series() wants them."""
    return [{"key": key[0]} for key in summed(rows, by)]
