"""Page one: what was spent, why it changed, who spent it, where it will land, what to do, and whether to trust it."""

from __future__ import annotations

from decimal import Decimal
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from spanledger_collector.review import story, unit_costs
from spanledger_collector.review.budget import Scope
from spanledger_collector.review.figures import UNNAMED, cents, change, money, share
from spanledger_collector.review.outlook import landing

from .charts import course, waterfall
from .markup import Markup, element, join, name, said, section, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from spanledger_collector.review.budget import Burn
    from spanledger_collector.review.ledger import Row
    from spanledger_collector.review.pack import Pack
    from spanledger_collector.review.period import Period

_ROWS: Final = 6
_FEWER: Final = 3
_SHORT: Final = 110  # characters of a fix; the appendix has it whole
_FINDINGS: Final = 3


def page(pack: Pack) -> Markup:
    if pack.is_empty:
        return join((_header(pack), element("p", story.headline(pack), class_="lead")))
    return join(
        (
            _header(pack),
            element("p", story.headline(pack), class_="lead"),
            _figures(pack),
            _why(pack),
            element("div", _who(pack), _where(pack), class_="two"),
            element("div", _todo(pack), _trust(pack), class_="two"),
        )
    )


def _header(pack: Pack) -> Markup:
    asked, period = pack.asked, pack.period
    cover = (
        f"{period.start:%d %b %Y} to {asked.until:%d %b %Y %H:%M} UTC, end excluded",
        f"against {pack.against}",
        f"coverage {share(pack.bridge.coverage[1].share)}",
        pack.book,
        f"as of {asked.now:%Y-%m-%d %H:%M} UTC",
    )
    scope = "" if asked.scope == Scope() else join((" \u00b7 ", name(str(asked.scope))))
    title = element("h1", f"LLM spend review, {period}", scope)
    made_up = element("p", element("b", "Everything in this ledger is made up, for a demonstration."), class_="cover")
    return element(
        "header", title, element("p", " \u00b7 ".join(cover), class_="cover"), made_up if pack.is_demo else ""
    )


def _figures(pack: Pack) -> Markup:
    now, before = unit_costs.of(pack.segments), unit_costs.of(pack.segments_before)
    wasted = sum((Decimal(row["cost_usd"] or 0) for row in pack.waste if row["kind"] != "retried"), Decimal(0))
    spent = pack.totals["cost_usd"]
    of_spend = share(float(wasted / Decimal(spent))) if spent and Decimal(spent) else "-"
    budget = next((each for each in pack.budgets if each.scope == pack.asked.scope), None)
    each = [
        ("Known spend", money(spent), f"{change(spent, pack.before['cost_usd'])} on {pack.against}"),
        ("Budget used", f"{budget.used:.0%}" if budget else "no budget", _burning(budget)),
        ("Per successful call", money(now.success), change(now.success, before.success)),
        ("Paid, not usable", money(wasted), f"{of_spend} of spend"),
        ("Coverage", share(pack.bridge.coverage[1].share), "answered calls of known cost"),
    ]
    return element("div", *(_figure(*figure) for figure in each), class_="figures")


def _figure(title: str, value: str, detail: str) -> Markup:
    said = element("span", title, class_="t"), element("b", value), element("span", detail, class_="d")
    return element("div", *said)


def _burning(budget: Burn | None) -> str:
    if budget is None:
        return "spanledger budgets set"
    return (
        f"of {money(budget.budget)}, burns at {budget.multiple:.2f}\u00d7"
        if budget.multiple is not None
        else f"of {money(budget.budget)}"
    )


def _why(pack: Pack) -> Markup:
    bridge = pack.bridge
    title = "Why did it change?"
    if bridge.suppressed:
        return section(title, element("p", f"The bridge is not shown: {bridge.suppressed}.", class_="note"))
    chart = waterfall((str(pack.against), bridge.before), story.bars(pack), (str(pack.period), bridge.after))
    return section(title, chart, why="Each bar is exact and together they are the difference, to the last digit.")


def _who(pack: Pack) -> Markup:
    by = "feature" if pack.asked.scope.team else "team"
    rows = pack.spend[by]
    known = sum((Decimal(row["cost_usd"] or 0) for row in rows), Decimal(0))
    unnamed = sum((Decimal(row["cost_usd"] or 0) for row in rows if not row["key"]), Decimal(0))
    unplaced = share(float(unnamed / known)) if known and unnamed else ""
    told = f"{unplaced} of the known spend has no {by}." if unplaced else f"All known spend has a {by}."
    who = table((by.title(), "Known cost", "Share", "Change"), _people(pack, by, known, _ROWS), 1)
    other = "model" if by == "feature" else "feature"
    what = table((other.title(), "Known cost", "Share", "Change"), _people(pack, other, known, _FEWER), 1)
    return section("Who?", who, element("p", told, class_="why"), what)


def _people(pack: Pack, by: str, known: Decimal, most: int) -> Iterator[Sequence[object]]:
    rows = pack.spend[by]
    for row in rows[:most]:
        before = pack.spend_before[by].get(row["key"], {"cost_usd": "0"})["cost_usd"]
        part = share(float(Decimal(row["cost_usd"]) / known)) if row["cost_usd"] is not None and known else "-"
        usd = None if row["cost_usd"] is None else Decimal(row["cost_usd"])
        yield name(row["key"], UNNAMED[by]), cents(usd), part, change(row["cost_usd"], before)
    if rest := rows[most:]:
        usd = sum((Decimal(row["cost_usd"] or 0) for row in rest), Decimal(0))
        yield f"{len(rest)} more", cents(usd), share(float(usd / known)) if known else "-", ""


def _where(pack: Pack) -> Markup:
    ahead, until = pack.outlook.ahead, pack.asked.until.date()
    budget = next((float(each.budget) for each in pack.budgets if each.scope == pack.asked.scope), None)
    lines = [("", _sums(pack, pack.period, until), ""), (str(pack.against), _sums(pack, pack.against, None), "4 3")]
    fan = None
    if ahead and ahead.low is not None and ahead.high is not None and ahead.days_left:
        fan = float(ahead.low), float(ahead.middle), float(ahead.high)
    days = max(pack.period, pack.against, key=lambda each: each.day_count).dates()
    chart = course([*days], lines, level=budget if pack.period.is_month else None, fan=fan)
    return section("Where will it land?", chart, element("p", landing(pack), class_="why"))


def _sums(pack: Pack, period: Period, until: object) -> list[float]:
    days = [day for day in period.dates() if until is None or day < until]  # type: ignore[operator]
    return [*accumulate(float(pack.daily.get(day, 0)) for day in days)]


def _todo(pack: Pack) -> Markup:
    """What is open, most money first; a finding that claims none still wants doing."""
    wanted = [row for row in pack.findings if row["status"] in {"open", "accepted"}]
    items = [element("li", _finding(row)) for row in wanted[:_FINDINGS]]
    told = element("ol", *items) if items else element("p", "No finding is open.", class_="empty")
    firing = sum(row["state"] != "pending" for row in pack.incidents)
    gone = sum(row["status"] in {"cleared", "fixed"} for row in pack.findings)
    known = f"{len(pack.findings)} findings, {gone} of them gone since, and {firing} incidents in the appendix."
    return section("What should we do?", told, element("p", known, class_="why"))


def _finding(row: Row) -> Markup:
    claim = f"{money(row['money_usd'])} {row['money_grade']}" if row["money_usd"] is not None else "no saving claimed"
    return join((element("b", said(row["title"])), f" {claim}", element("small", name(row["fix"], longest=_SHORT))))


def _trust(pack: Pack) -> Markup:
    known = sum((usd for _, usd in story.grades(pack.segments).values()), Decimal(0))
    rows = [
        (
            grade,
            f"{calls:,}",
            cents(usd) if grade != "unknown" else "unknown",
            share(float(usd / known)) if known and grade != "unknown" else "-",
        )
        for grade, (calls, usd) in sorted(story.grades(pack.segments).items())
    ]
    return section(
        "Can I trust it?",
        table(("Cost is", "Calls", "Known cost", "Share"), rows),
        element("p", story.trust(pack), class_="why"),
        element("p", element("b", said(restated)), class_="why") if (restated := story.restated(pack)) else "",
    )
