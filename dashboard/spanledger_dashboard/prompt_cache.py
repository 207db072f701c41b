"""How much of the input the providers' prompt caches served, in money. Cards for one page and its sentence."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

import streamlit as st

from spanledger_dashboard import bars, cache, cards, finding, links, listing, period, prefix, tables
from spanledger_dashboard.charts import Series
from spanledger_dashboard.format import count, counted, label, money, share
from spanledger_dashboard.palette import BLUE, GREEN, ORANGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanledger_dashboard.cache import Row
    from spanledger_dashboard.filters import Selection

PARTS: Final = {"input": "read in full", "cache_write": "written to the cache", "cache_read": "read from the cache"}
_SERIES: Final = Series(PARTS, "", (ORANGE, BLUE, GREEN))
_MOST_CALLS: Final = "200"  # of a place, in the picture


def parts(chosen: Selection) -> list[Row]:
    """Input as it was billed: by day, model and part."""
    return [row for row in cache.rows("cost_parts", chosen.params()) if row["part"] in PARTS]


def tokens(rows: Sequence[Row], *kinds: str) -> int:
    return sum(row["tokens"] for row in rows if row["part"] in (kinds or PARTS))


def paid(rows: Sequence[Row], *kinds: str) -> Decimal:
    return sum((row["cost_usd"] for row in rows if row["part"] in (kinds or PARTS)), Decimal(0))


def hit_rate(rows: Sequence[Row]) -> float | None:
    """The share of input tokens that caches served, of priced calls; None without input."""
    total = tokens(rows)
    return tokens(rows, "cache_read") / total if total else None


def sentence(rows: Sequence[Row], broken: Sequence[Row], said: str) -> str:
    """What input cost, how much of it the cache served, and what breaks prefixes."""
    if not tokens(rows):
        return f"No input tokens of a known price {said}."
    told = (
        f"Prompt caches served {share(hit_rate(rows))} of {count(tokens(rows))} input tokens {said}; "
        f"{money(paid(rows, 'input'))} of {money(paid(rows))} for input was paid at the full price"
    )
    known = [row for row in broken if row["money_usd"] is not None]
    worth = f", worth about {money(sum((finding.monthly(row) for row in known), Decimal(0)))} a month" if known else ""
    return f"{told}. " + (
        f"{counted(len(broken), 'finding')} on caching{worth}." if broken else "No finding on caching."
    )


def figures(rows: Sequence[Row], then: Sequence[Row], against: str) -> None:
    """The hit rate and where the money for input went."""
    shown = [
        cards.hit_rate(
            hit_rate(rows), hit_rate(then), f"{count(tokens(rows, 'cache_read'))} of {count(tokens(rows))} tokens"
        ),
        *(_figure(name, part, rows, then) for part, name in PARTS.items()),
    ]
    cards.figures(shown, against)


def _figure(name: str, kind: str, rows: Sequence[Row], then: Sequence[Row]) -> cards.Figure:
    cost, number, total = paid(rows, kind), tokens(rows, kind), paid(rows)
    part = f", {share(float(cost / total))} of input cost" if total else ""
    change = cards.money_change(cost, paid(then, kind), up="gray") if tokens(then) else None
    exact = f"{number:,} tokens of priced calls, {money(cost)}."
    return cards.Figure(f"Input {name}", money(cost), f"{count(number)} tokens{part}", change, exact)


def over_time(chosen: Selection, rows: Sequence[Row]) -> None:
    """Money for input by day and how it was read."""
    with cards.card("Input cost by day", "Days are UTC's, whatever the zone of the page.") as controls:
        days = sorted({(row["day"], row["part"]) for row in rows})
        costs = {key: paid([row for row in rows if (row["day"], row["part"]) == key]) for key in days}
        points = [(*key, float(cost), money(cost)) for key, cost in costs.items()]
        ticks = "$,.2~r"
        cards.chart(
            bars.over_time(points, period.utc_days(chosen.period), _SERIES, "US dollars", ticks=ticks),
            "Input cost by part",
        )
        tables.download(rows, "input-cost", controls)


def by_model(rows: Sequence[Row]) -> None:
    """Which models read their prompts from the cache, and which do not."""
    models: dict[str, list[Row]] = {}
    for row in rows:
        models.setdefault(row["model"], []).append(row)
    told = sorted((_model(name, found) for name, found in models.items()), key=lambda row: -row["full_usd"])
    with cards.card("By model", "Most money at the full price first.") as controls:
        fields = {"Model": ("model", "text"), "Input tokens": ("tokens", count), "From cache": ("hit", share)}
        money_of = {"Full price": ("full_usd", money), "Input cost": ("cost_usd", money)}
        seen = [row | {"see": links.calls(model=row["model"])} for row in told]
        listing.draw(seen, fields | money_of | listing.SEE, most_rows=7)
        tables.download(told, "cache-by-model", controls)


def _model(name: str, rows: Sequence[Row]) -> Row:
    costs = {"full_usd": paid(rows, "input"), "cost_usd": paid(rows)}
    return {"model": name, "tokens": tokens(rows), "hit": hit_rate(rows), **costs}


def prefixes(chosen: Selection) -> None:
    """Where the prompts of one place part: a prefix cache matches from the start only."""
    places: dict[str, list[Row]] = {}
    for row in cache.rows("prompt_prefixes", chosen.params(limit=_MOST_CALLS)):
        if row["block_chars"]:
            places.setdefault(_place(row), []).append(row)
    why = "Hashes and lengths of the newest prompts of one place; their text is not kept."
    with cards.card("A prefix and where it breaks", why):
        if not places:
            st.markdown("No prompt in this view carries a prefix: the library in Python sends them with its calls.")
            return
        names = sorted(places, key=lambda name: -places[name][0]["calls"])
        _picture(places[str(st.selectbox("Place", names, key="place", bind="query-params"))])


def _place(row: Row) -> str:
    told = (row["service"], row["feature"], row["model"], "/".join(row["call_site"].split("/")[-2:]))
    return " · ".join(label(text, 60) for text in told if text)


def _picture(calls: Sequence[Row]) -> None:
    found = prefix.stretches(calls)
    if not found:
        st.markdown("These prompts are shorter than one block.")
        return
    cards.chart(prefix.picture(found), "Blocks of the prompt that calls have in common")
    read, total = sum(call["read_tokens"] for call in calls), sum(call["input_tokens"] for call in calls)
    kinds = sorted({kind for call in calls for kind in call["volatile_kinds"]})
    volatile = f" Volatile text in them: {', '.join(label(kind, 30) for kind in kinds[:8])}." if kinds else ""
    served = share(read / total) if total else "unknown"
    st.text(
        f"The newest {counted(len(calls), 'call')} of {calls[0]['calls']:,} here; the cache served {served}.{volatile}"
    )


def broken(chosen: Selection) -> list[Row]:
    """What the detectors say about caching, decided ones left out."""
    rows = finding.of(chosen)
    return [row for row in rows if row["category"] == "cache" and row["status"] in ("open", "accepted", "fixed")]
