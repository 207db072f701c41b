"""Which models are paid for, at which price lines, and which have no price?"""

from __future__ import annotations

from spanledger_dashboard import cache, cards, filters, links, listing, panels, price_lines, states, tables
from spanledger_dashboard.explorer import signed
from spanledger_dashboard.format import count, counted, money, quoted, share


def page() -> None:
    """The sentence, models by money, the price lines in force, models without a price, and lines of one's own."""
    if not cache.names("beginning"):
        states.empty(cache.pulse().status)
        return
    chosen = filters.bar()
    models, unpriced = cache.rows("spend_by", chosen.params(by="model")), cache.rows("unpriced", chosen.params())
    cards.opening(_sentence(models, unpriced, chosen.period.said), demo=cache.pulse().demo)
    panels.restated(chosen)
    if not models:
        states.nothing_matches()
        return
    if unpriced:
        _unpriced(unpriced)
    with cards.card("Models", "By known cost; without any price it is unknown, not free.") as controls:
        told = {"Model": ("key", "text"), "Calls": ("calls", count), "Priced": ("coverage", share)}
        before = {"Before": ("before_usd", money), "Change": ("change_usd", signed)} if chosen.earlier else {}
        rows = price_lines.beside(models, chosen.earlier)
        seen = [row | {"see": links.calls(model=row["key"])} for row in rows]
        listing.draw(seen, told | before | {"Spend": ("cost_usd", money)} | listing.SEE)
        tables.download(rows, "models", controls)
    price_lines.in_force(chosen)
    price_lines.own()


def _sentence(models: list[cache.Row], unpriced: list[cache.Row], said: str) -> str:
    book = cache.pulse().status.get("prices", {})
    told = f"{counted(len(models), 'model')} answered calls {said}"
    if unpriced:
        calls = sum(row["calls"] for row in unpriced)
        first = quoted(unpriced[0]["model"])
        told += f"; {counted(len(unpriced), 'has', 'have')} no price, for {counted(calls, 'call')}: {first} first"
    return f"{told}. The price book's newest line is of {book.get('newest_line', 'an unknown day')}."


def _unpriced(rows: list[cache.Row]) -> None:
    with cards.card("Without a price", "Their tokens are counted, their cost is unknown.") as controls:
        fields = {"Model": ("model", "text"), "Services": ("services", "text"), "Why": ("reason", "wide")}
        tokens = {"Tokens in": ("input_tokens", count), "Tokens out": ("output_tokens", count)}
        seen = [row | {"see": links.calls(links.UNPRICED, model=row["model"])} for row in rows]
        listing.draw(seen, fields | {"Calls": ("calls", count)} | tokens | listing.SEE, most_rows=7)
        tables.download(rows, "unpriced", controls)
