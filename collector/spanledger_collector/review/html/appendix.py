"""The appendices: every table behind page one, then method and assumptions."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from spanledger_collector.review import beside, story, unit_costs
from spanledger_collector.review.bridge import BARS
from spanledger_collector.review.figures import UNNAMED, cents, change, count, money, share, signed
from spanledger_collector.review.outlook import landing
from spanledger_collector.review.pack import DIMENSIONS

from .charts import stacked
from .markup import Markup, element, join, name, said, section, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from spanledger_collector.review.budget import Burn
    from spanledger_collector.review.pack import Pack

_ROWS: Final = 20
_METHOD: Final = """\
A call's cost is the tokens its provider reported, part by part, times the price in force when it was made, in exact
decimals. Calls whose tokens or price are not known have an unknown cost: they are counted, and are in no sum.

The bridge takes service, provider, model, feature and team as one segment. What both periods have is
volume \u00d7 mix \u00d7 waste \u00d7 (size, cache, reasoning, price). The difference is shared out by Shapley's average
over all orders, in exact rational numbers: no order is preferred and nothing is left over. Cache-write lifetimes and
service tiers move price.

The bridge is suppressed when the coverage of either period is below 95 % or the two differ by more than 3 points.
Calls refused before any token was counted are no gap in coverage: they are not billed.

The forecast is the median of the last eight days of the same weekday, times the last week's level, which fades by a
tenth a day. Its band is the 10th and 90th percentile of the same method's past errors over as many days ahead as the
history allows. Below 14 days of history there is a run rate only.

Burn is the spend per day over the budget per day of the month: 1 just lasts.

Days and months are UTC. Windows include their start and exclude their end."""


def pages(pack: Pack) -> Markup:
    groups = (
        ("A  Spend", (_days(pack), *(_spend(pack, by) for by in DIMENSIONS))),
        ("B  Why it changed", (_meanings(pack), *(_bridge_by(pack, by) for by in ("team", "feature")))),
        ("C  What a unit costs", (_units(pack), _waste(pack), *_beside(pack), _budgets(pack))),
        ("D  Findings, incidents, corrections", (_findings(pack), _incidents(pack), _restated(pack))),
        ("E  Method and assumptions", (_method(pack),)),
    )
    return element(
        "div",
        *(element("div", element("h1", title), *parts, class_="appendix") for title, parts in groups),
        class_="first",
    )


def _days(pack: Pack) -> Markup:
    ranked = [row["key"] for row in pack.spend["feature"]]
    series = [(key, pack.daily_by.get(key, {})) for key in ranked if key in pack.daily_by]
    return section("Spend by day and feature", stacked([*pack.period.dates()], series, UNNAMED["feature"]))


def _spend(pack: Pack, by: str) -> Markup:
    rows = pack.spend[by]
    gone = [key for key in pack.spend_before[by] if key not in {row["key"] for row in rows}]
    left_out = sum((Decimal(row["cost_usd"] or 0) for row in rows[_ROWS:]), Decimal(0))
    notes = []
    if rows[_ROWS:]:
        notes.append(element("p", f"And {len(rows) - _ROWS} more, together {cents(left_out)}.", class_="why"))
    if gone:
        names = join(join((name(key, UNNAMED[by]), ", " if key != gone[-1] else ".")) for key in gone[:_ROWS])
        notes.append(element("p", f"In {pack.against} only: ", names, class_="why"))
    header = (by.title(), "Known cost", str(pack.against), "Change", "Calls", "Failed", "Unknown cost", "Cached input")
    return section(f"By {by}", table(header, _spend_rows(pack, by)), *notes)


def _spend_rows(pack: Pack, by: str) -> Iterator[Sequence[object]]:
    for row in pack.spend[by][:_ROWS]:
        before = pack.spend_before[by].get(row["key"], {"cost_usd": "0"})["cost_usd"]
        cached = share(row["cache_read_tokens"] / row["input_tokens"]) if row["input_tokens"] else "-"
        known = [None if usd is None else Decimal(usd) for usd in (row["cost_usd"], before)]
        yield (
            name(row["key"], UNNAMED[by]), *map(cents, known), change(row["cost_usd"], before),
            f"{row['calls']:,}", f"{row['failures']:,}", f"{row['unpriced_calls']:,}", cached,
        )  # fmt: skip


def _meanings(pack: Pack) -> Markup:
    if pack.bridge.suppressed:
        return section("The bars", element("p", f"Not shown: {pack.bridge.suppressed}.", class_="note"))
    rows = [(str(pack.against), "as first booked" if pack.bridge.restated else "", "", money(pack.bridge.before))]
    for bar in BARS:
        segment, most = story.main_place(pack, bar)
        place = name(f"{segment.feature or segment.service}, {segment.model}") if segment and most > 0 else ""
        rows.append((story.TITLES[bar], story.MEANINGS[bar], place, signed(pack.bridge.bars[bar])))
    rows.append((str(pack.period), "", "", money(pack.bridge.after)))
    return section("The bars", table(("Bar", "Meaning", "Most of it", "US dollars"), rows, 3))


def _bridge_by(pack: Pack, by: str) -> Markup:
    if pack.bridge.suppressed:
        return Markup("")
    groups = pack.bridge.by(lambda segment: str(getattr(segment, by)))
    shown = [bar for bar in BARS if any(bars[bar] for bars in groups.values())]
    ranked = sorted(groups.items(), key=lambda group: -abs(sum(group[1].values(), Decimal(0))))
    rows = [
        (
            name(key, UNNAMED[by]),
            *(signed(bars[bar]) if bars[bar] else "-" for bar in shown),
            signed(sum(bars.values(), Decimal(0))),
        )
        for key, bars in ranked[:_ROWS]
    ]
    return section(
        f"Bridge by {by}", table((by.title(), *(story.TITLES[bar] for bar in shown), "all"), rows, empty="No change.")
    )


def _units(pack: Pack) -> Markup:
    now, before = unit_costs.of(pack.segments), unit_costs.of(pack.segments_before)
    each: list[tuple[str, Decimal | None, Decimal | None]] = [
        ("request of known cost", now.request, before.request),
        ("successful call, failures' cost included", now.success, before.success),
        ("user, of calls that name one", unit_costs.per_user(pack.users), unit_costs.per_user(pack.users_before)),
        *((f"1M tokens, {part}", usd, before.per_million[part]) for part, usd in now.per_million.items()),
    ]
    rows = [(title, _unit(usd), _unit(then), change(usd, then) if usd and then else "-") for title, usd, then in each]
    return section("US dollars per", table(("Unit", str(pack.period), str(pack.against), "Change"), rows))


def _unit(usd: Decimal | None) -> str:
    return "-" if usd is None else money(usd)


def _waste(pack: Pack) -> Markup:
    rows = [
        (row["kind"], f"{row['calls']:,}", f"{row['priced_calls']:,}", money(row["cost_usd"])) for row in pack.waste
    ]
    why = (
        "Each call is in the first that fits: invalid (failed its validation), failed, abandoned, truncated, retried "
        "and then answered. Most refused requests are not billed, and have no known cost."
    )
    return section(
        "Paid for calls that went wrong",
        table(("Kind", "Calls", "Of known cost", "Known cost"), rows, empty="None did."),
        why=why,
    )


def _beside(pack: Pack) -> Iterator[Markup]:
    for title, told, header, words, rows in beside.tables(pack):
        cells = [(*map(name, row[:words]), *row[words:]) for row in rows]
        yield section(title, *([table(header, cells, words)] if cells else []), why=told)


def _budgets(pack: Pack) -> Markup:
    rows = [
        (
            name(str(each.scope)),
            cents(each.budget),
            cents(each.spent),
            f"{each.used:.0%}",
            "-" if each.multiple is None else f"{each.multiple:.2f}\u00d7",
            f"{each.runs_out:%d %b}" if each.runs_out else "not this month",
            _chance(each),
        )
        for each in pack.budgets
    ]
    empty = "No budget is set for this month: spanledger budgets set --usd 5000 --team search"
    header = ("Scope", "Budget", "Spent", "Used", "Burn", "Runs out", "Chance to pass")
    return section("Budgets of the month", table(header, rows, empty=empty), element("p", landing(pack), class_="why"))


def _chance(burn: Burn) -> str:
    if burn.forecast and burn.forecast.method == "closed":
        return "passed" if burn.spent > burn.budget else "kept"
    chance = burn.forecast.chance_above(burn.budget) if burn.forecast else None
    return "-" if chance is None else f"{chance:.0%}"


def _findings(pack: Pack) -> Markup:
    rows = [
        (
            join((said(row["title"]), element("small", said(row["fix"])))),
            row["detector"],
            row["status"],
            money(row["money_usd"]) if row["money_usd"] is not None else "none claimed",
        )
        for row in pack.findings[:_ROWS]
    ]
    return section(
        "Findings seen in the period",
        table(("Finding and fix", "Detector", "Status", "US dollars"), rows, empty="No detector found anything."),
    )


def _incidents(pack: Pack) -> Markup:
    rows = [(row["since"][:16].replace("T", " "), said(row["summary"]), row["state"]) for row in pack.incidents[:_ROWS]]
    return section("Incidents", table(("Since, UTC", "What", "State"), rows, 2, empty="No alert was on in the period."))


def _restated(pack: Pack) -> Markup:
    rows = [
        (row["day"][:10], said(row["reason"]), f"{row['changed_calls']:,}", signed(Decimal(row["difference_usd"])))
        for row in pack.restatements[:_ROWS]
    ]
    return section(
        "Priced again after the fact",
        table(("Day", "Why", "Calls", "US dollars"), rows, 2, empty="No day of either period was priced again."),
    )


def _method(pack: Pack) -> Markup:
    totals = pack.totals
    tokens = f"{count(totals['input_tokens'])} input and {count(totals['output_tokens'])} output tokens"
    counted = f"{count(totals['calls'])} calls, {tokens}; {pack.book}."
    return section(
        "How this was made", element("ul", *(element("li", line) for line in (counted, *_METHOD.split("\n\n"))))
    )
