"""How well calls are answered: retries, limits, failures and waiting. Cards for one page and its sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from spanledger_dashboard import bars, cache, cards, charts, links, listing, tables, waiting
from spanledger_dashboard.format import count, counted, duration, quoted, share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanledger_dashboard.cache import Row
    from spanledger_dashboard.filters import Selection
    from spanledger_dashboard.waiting import Waited

_TIMEOUTS: Final = ("timeout", "timedout", "deadline")


def timeouts(failures: Sequence[Row]) -> int:
    """Failed calls whose error's name says that time ran out."""
    return sum(row["calls"] for row in failures if any(word in row["error_type"].lower() for word in _TIMEOUTS))


def sentence(totals: Row, failures: Sequence[Row], attempts: Sequence[Row], said: str) -> str:
    """How many failed, of what, and what retrying took."""
    calls, failed = totals["calls"], totals["failures"]
    if not calls:
        return f"No calls {said}."
    repeats = totals["attempts"] - calls if totals["attempts"] > calls else 0
    wasted = sum(row["wasted_ms"] for row in attempts)
    waits = f", which took {duration(wasted)} of waiting" if repeats and wasted else ""
    most = f"; most often {quoted(failures[0]['error_type'])} of {quoted(failures[0]['model'])}" if failures else ""
    answered = (
        f"{share(failed / calls)} of {counted(calls, 'call')} failed {said}{most}"
        if failed
        else (f"None of {counted(calls, 'call')} failed {said}")
    )
    return f"{answered}. {counted(repeats, 'request')} had to be repeated{waits}."


def figures(  # noqa: PLR0917 - what the page has asked
    totals: Row, then: Row | None, failures: Sequence[Row], now: Waited, before: Waited | None, against: str
) -> None:
    """Failures, timeouts, repeats, the slow calls and the first chunk."""
    ran_out = timeouts(failures)
    shown = [
        cards.failures(totals, then, links.calls(links.FAILED)),
        cards.Figure("Timeouts", count(ran_out), "failed calls that ran out of time", None, "By the error's name."),
        cards.Figure(
            "Requests per call",
            f"{totals['attempts'] / totals['calls']:.3f}",
            f"{count(totals['attempts'])} for {counted(totals['calls'], 'call')}",
            None,
            "HTTP requests for each logical call; 1 means that nothing is repeated.",
            links.calls(),
        ),
        waiting.latency(now, before),
        waiting.first_chunk(now, before),
    ]
    cards.figures(shown, against)


def over_time(chosen: Selection) -> None:
    """When calls failed, and at whose side."""
    rows = cache.rows("spend_over_time", chosen.params(by="provider", bucket=chosen.period.asked_bucket))
    series = charts.series(cache.rows("spend_by", chosen.params(by="provider")), cache.palette("provider"))
    points = [
        (row["bucket"], row["key"], row["failures"], f"{row['failures']:,} of {counted(row['calls'], 'call')}")
        for row in rows
        if row["failures"]
    ]
    with cards.card(f"Failed calls by {chosen.period.bucket}", "After all retries, by provider.") as controls:
        if not points:
            st.markdown(":material/check_circle: No call failed in this view.")
            return
        cards.chart(bars.over_time(points, chosen.period, series, "failed calls"), "Failed calls over time by provider")
        tables.download(rows, "failures-over-time", controls)


def retries(rows: Sequence[Row]) -> None:
    """Where requests are repeated, and what that costs in time."""
    with cards.card("Retries", "Requests beyond the first, and the time failed requests and waits took.") as controls:
        shown = [row | {"per_call": row["attempts"] / row["calls"]} for row in rows if row["retried_calls"]]
        if not shown:
            st.markdown(":material/check_circle: No request was repeated in this view.")
            return
        fields = {"Service": ("service", "text"), "Model": ("model", "text"), "Requests per call": ("per_call", _ratio)}
        counts = {"Retried": ("retried_calls", count), "Gave up": ("failed_calls", count)}
        more = {"429s": ("rate_limited", count), "Time lost": ("wasted_ms", duration), "Trace": ("trace_ids", "trace")}
        listing.draw(_seen(shown), fields | counts | more | listing.SEE, most_rows=7)
        tables.download(rows, "attempts", controls)


def headroom(chosen: Selection) -> None:
    """How close calls came to the provider's limits."""
    rows = cache.rows("headroom", chosen.params())
    why = "The least share of the provider's limit that a reply ever reported as left; closest first."
    with cards.card("Rate-limit headroom", why) as controls:
        if not rows:
            st.markdown("No reply in this view told its rate limits.")
            return
        fields = {"Service": ("service", "text"), "Model": ("model", "text"), "Calls": ("calls", count)}
        left = {"Requests left": ("requests_left", share), "Requests limit": ("requests_limit", _limit)}
        listing.draw(
            _seen(rows),
            fields
            | left
            | {"Tokens left": ("tokens_left", share), "Tokens limit": ("tokens_limit", _limit)}
            | listing.SEE,
            missing="not told",
        )
        tables.download(rows, "headroom", controls)


def places(chosen: Selection, by: str) -> None:
    """Latency, first chunk and failures of each provider or model side by side."""
    failed = {row["key"]: row for row in cache.rows("spend_by", chosen.params(by=by))}
    timed = {row["key"]: row for row in cache.rows("latency", chosen.params(by=by))}
    earlier = chosen.earlier
    before = {row["key"]: row for row in cache.rows("latency", earlier.params(by=by))} if earlier else {}
    rows = [
        _place(key, row, timed.get(key, {})) | {"moved": waiting.compared(timed.get(key, {}), before.get(key))}
        for key, row in failed.items()
    ]
    with cards.card(
        f"{by.capitalize()}s compared", "Times are of answered calls, batch calls aside; first chunks of streams."
    ) as controls:
        said = {"Calls": ("calls", count), "Failed": ("failed", share), "p50": ("p50_ms", duration)}
        against = {"p95 moved": ("moved", "text")} if earlier else {}
        slow = {"p95": ("p95_ms", duration), **against, "p99": ("p99_ms", duration)}
        listing.draw(
            [row | {"see": links.calls(**{by: row["key"]})} for row in rows],
            {by.capitalize(): ("key", "text")}
            | said
            | slow
            | {"First chunk p50": ("first_p50", duration), "First chunk p95": ("first_p95", duration)}
            | listing.SEE,
            missing="none timed",
        )
        tables.download(rows, f"{by}s-compared", controls)


def _seen(rows: Sequence[Row]) -> list[Row]:
    return [row | {"see": links.calls(service=row["service"], model=row["model"])} for row in rows]


def _place(key: str, totals: Row, timed: Row) -> Row:
    firsts = {"first_p50": timed.get("first_chunk_p50_ms"), "first_p95": timed.get("first_chunk_p95_ms")}
    times = {name: timed.get(name) for name in ("p50_ms", "p95_ms", "p99_ms")}
    failed = totals["failures"] / totals["calls"] if totals["calls"] else None
    return {"key": key, "calls": totals["calls"], "failed": failed, **times, **firsts}


def _ratio(value: float) -> str:
    return f"{value:.3f}"


def _limit(value: int | None) -> str:
    return count(value) if value else "not told"
