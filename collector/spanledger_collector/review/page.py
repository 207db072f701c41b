"""The one page finance and engineering read together, as Markdown."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from spanledger_collector.review import beside, story
from spanledger_collector.review.figures import UNNAMED, change, money, share, signed
from spanledger_collector.review.outlook import landing
from spanledger_collector.review.pack import DIMENSIONS, Pack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from spanledger_collector.review.ledger import Row

_ROWS = 15


def page(pack: Pack) -> str:
    lines = [f"# LLM spend, {pack.period}", "", _scope(pack), ""]
    if pack.is_empty:
        lines += [f"No calls are recorded in {pack.period}.", ""]
    else:
        lines += [f"**{_cell(story.headline(pack))}**", "", *_summary(pack), "", *_bridge(pack), "", landing(pack), ""]
        lines += [*_spend(pack), *_beside(pack)]
    return "\n".join([*lines, *_findings(pack.findings)])


def _scope(pack: Pack) -> str:
    return (
        f"From {pack.period.start:%Y-%m-%d} to {pack.period.end:%Y-%m-%d}, UTC, end excluded. Costs are estimates: the "
        "tokens each provider reported, times its list price on the day of the call. Calls without a known cost are "
        "in no sum."
    )


def _summary(pack: Pack) -> Iterator[str]:
    now, before = pack.totals, pack.before
    yield from _table(["", str(pack.period), str(pack.against), "Change"], _summary_rows(now, before))
    yield ""
    yield _trust(now, before)
    if restated := story.restated(pack):
        yield ""
        yield f"**{_cell(restated)}**"


def _summary_rows(now: Row, before: Row) -> Iterator[Sequence[str]]:
    yield "Known cost", money(now["cost_usd"]), money(before["cost_usd"]), change(now["cost_usd"], before["cost_usd"])
    for title, name in (
        ("Calls", "calls"),
        ("Failed calls", "failures"),
        ("Calls without a known cost", "unpriced_calls"),
        ("Requests sent, retries included", "attempts"),
        ("Input tokens", "input_tokens"),
        ("Output tokens", "output_tokens"),
    ):
        yield title, f"{now[name]:,}", f"{before[name]:,}", change(now[name], before[name])
    yield "Coverage: calls with a known cost", share(now["coverage"]), share(before["coverage"]), ""


def _trust(now: Row, before: Row) -> str:
    if not before["calls"]:
        return "Nothing is recorded for the month before: there is no change to explain."
    if min(now["coverage"], before["coverage"]) < 0.95:  # noqa: PLR2004 - below it a change in cost may be a change in coverage
        return (
            "**Coverage is below 95 % in one of the months: part of the change may be calls that could not be priced.**"
        )
    return "Coverage is at least 95 % in both months: the change is one of spend."


def _bridge(pack: Pack) -> Iterator[str]:
    yield "## Why it changed"
    yield ""
    bridge = pack.bridge
    if bridge.suppressed:
        yield f"The bridge is not shown: {bridge.suppressed}."
        return
    rows = [(title, signed(usd)) for title, usd in story.bars(pack)]
    yield from _table(
        ["", "US dollars"], [(str(pack.against), money(bridge.before)), *rows, (str(pack.period), money(bridge.after))]
    )


def _spend(pack: Pack) -> Iterator[str]:
    for by in DIMENSIONS:
        yield f"## By {by}"
        yield ""
        header = [by.capitalize(), "Known cost", str(pack.against), "Change", "Calls", "Failed", "No known cost"]
        yield from _table(header, (_spend_row(by, row, pack) for row in pack.spend[by][:_ROWS]))
        yield from _left_out(by, pack)
        yield ""


def _spend_row(by: str, row: Row, pack: Pack) -> Sequence[str]:
    before = pack.spend_before[by].get(row["key"])
    earlier = before["cost_usd"] if before else "0"
    return (
        _cell(row["key"] or UNNAMED[by]),
        money(row["cost_usd"]),
        money(earlier) if before else "-",
        change(row["cost_usd"], earlier) if before else "new",
        f"{row['calls']:,}",
        f"{row['failures']:,}",
        f"{row['unpriced_calls']:,}",
    )


def _left_out(by: str, pack: Pack) -> Iterator[str]:
    rest = pack.spend[by][_ROWS:]
    if rest:
        known = sum((Decimal(row["cost_usd"]) for row in rest if row["cost_usd"] is not None), Decimal(0))
        yield f"\nAnd {len(rest)} more, together {money(str(known))}."
    gone = pack.spend_before[by].keys() - {row["key"] for row in pack.spend[by]}
    if gone:
        yield f"\nIn {pack.against} only: {', '.join(_cell(key or UNNAMED[by]) for key in sorted(gone))}."


def _beside(pack: Pack) -> Iterator[str]:
    for title, told, header, words, rows in beside.tables(pack):
        yield from (f"## {title}", "", told, "")
        if rows:
            yield from _table(header, ((*map(_cell, row[:words]), *row[words:]) for row in rows))
            yield ""


def _findings(findings: Sequence[Row]) -> Iterator[str]:
    yield "## Findings"
    yield ""
    if not findings:
        yield "No detector found anything in this month."
    for row in findings:
        yield f"- **{_cell(row['title'])}** ({_claim(row)}; {row['detector']}, {row['status']}). {_cell(row['why'])}"
        yield f"  {_cell(row['fix'])}"
    yield ""


def _claim(row: Row) -> str:
    return "no savings claimed" if row["money_usd"] is None else f"{money(row['money_usd'])} {row['money_grade']}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|---|{'---:|' * (len(header) - 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _cell(text: str) -> str:
    """Names come from telemetry: they may neither end a cell nor start a new line."""
    return " ".join(text.replace("|", "\\|").split())
