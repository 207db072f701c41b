"""How the collector itself does: what came in, what was lost, what waits, how large the store is, which prices."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from spanledger_dashboard import cache, cards, listing, tables
from spanledger_dashboard.format import count, share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from spanledger_dashboard.cache import Pulse, Row

# Counters that should stay at zero, with what one more of them means.
TROUBLES: Final = {
    "spanledger_spans_refused_total": "span refused",
    "spanledger_spans_dead_lettered_total": "span set aside as a dead letter",
    "spanledger_dead_letters_dropped_total": "dead letter dropped",
    "spanledger_store_failures_total": "write to the store that failed",
    "spanledger_log_failures_total": "write to the log that failed",
    "spanledger_log_damaged_records_total": "damaged record in the log",
    "spanledger_forward_failures_total": "forwarding that failed",
    "spanledger_forward_dropped_total": "forwarded batch dropped",
    "spanledger_evaluation_failures_total": "evaluation of alerts that failed",
    "spanledger_detector_failures_total": "detector run that failed",
}
_KILO: Final = 1000


def size(number: float | None) -> str:
    """Bytes with a decimal unit; None is unknown."""
    if number is None:
        return "unknown"
    for unit in ("B", "kB", "MB", "GB"):
        if number < _KILO:
            return f"{number:.0f}\u00a0{unit}" if unit == "B" or number >= 100 else f"{number:.1f}\u00a0{unit}"  # noqa: PLR2004
        number /= _KILO
    return f"{number:.1f}\u00a0TB"


def troubles(status: Mapping[str, Any]) -> list[Row]:
    """What went wrong since the collector began, most often first."""
    counters = status.get("counters", {})
    found = [{"what": said, "times": counters.get(name, 0), "counter": name} for name, said in TROUBLES.items()]
    return sorted((row for row in found if row["times"]), key=lambda row: -row["times"])


def sentence(pulse: Pulse) -> str:
    """What came in since the collector began, what waits, and what went wrong."""
    counters, log = pulse.status.get("counters", {}), pulse.status.get("log", {})
    received, written = (counters.get(f"spanledger_spans_{name}_total") for name in ("received", "written"))
    wrong = troubles(pulse.status)
    lost = (
        f"what went wrong most is: {wrong[0]['what']}, {count(wrong[0]['times'])} times"
        if wrong
        else "nothing was refused or lost"
    )
    waiting = f"{size(log.get('bytes'))} wait in its log of at most {size(log.get('limit_bytes'))}"
    return f"The collector took {count(received)} spans since it began and wrote {count(written)}; {waiting}; {lost}."


def last_hour(now: datetime) -> Row:
    """Calls that began in the hour before, and how many of them have a price; unknown where the ledger does not say."""
    edges = tuple((name, f"{at:%Y-%m-%dT%H:%M:%SZ}") for name, at in (("from", now - timedelta(hours=1)), ("to", now)))
    found = cache.rows("totals", edges)
    return found[0] if found else dict.fromkeys(("calls", "unpriced_calls", "coverage"))


def figures(status: Mapping[str, Any], hour: Row) -> None:
    """What comes in, how much of it is priced, the store, the log, the price book."""
    counters, store, log, prices = (status.get(name, {}) for name in ("counters", "store", "log", "prices"))
    calls, unpriced = (counters.get(f"spanledger_calls_{name}_total") for name in ("written", "unpriced"))
    full = log["bytes"] / log["limit_bytes"] if log.get("limit_bytes") else None
    pace = "unknown" if hour["calls"] is None else f"{hour['calls'] / 3600:.2g}"
    behind = f"{size(log.get('bytes'))} wait, {count(log.get('segments'))} segments"
    base = f"in the last hour; since it began {count(unpriced)} of {count(calls)} had none"
    shown = [
        cards.Figure("Calls in the last hour", count(hour["calls"]), f"{pace} a second", None, "By when they began."),
        cards.Figure(
            "Priced calls", share(hour["coverage"]), base,
            None, "Calls with a known price.",
        ),
        cards.Figure("Rows in the store", count(store.get("rows")), size(store.get("bytes")), None, "Calls, on disk."),
        cards.Figure("Log filled", share(full), behind, None, "What waits to be written; full, it refuses."),
        cards.Figure(
            "Price book", f"{count(prices.get('age_days'))} days old", f"{count(prices.get('models'))} models", None,
            "Days since the newest line of the price book.",
        ),
        cards.Figure("Version", str(status.get("version", "unknown")), "of the collector", None, ""),
    ]  # fmt: skip
    cards.figures(shown, "")


def wrong(rows: Sequence[Row]) -> None:
    """Counters that should stand at zero and do not."""
    with cards.card("What went wrong", "Since the collector began; the names are those of /metrics."):
        listing.draw(rows, {"What": ("what", "text"), "Counter": ("counter", "text"), "Times": ("times", count)})


def store(status: Mapping[str, Any]) -> None:
    """Tables by size."""
    found = status.get("store", {}).get("tables", {})
    rows = [{"table": name, **table} for name, table in sorted(found.items(), key=lambda pair: -pair[1]["bytes"])]
    with cards.card("Store", "Rows and bytes on disk of each table.") as controls:
        listing.draw(rows, {"Table": ("table", "text"), "Rows": ("rows", count), "Size": ("bytes", size)}, most_rows=14)
        tables.download(rows, "store", controls)


def counters(status: Mapping[str, Any]) -> None:
    """Every counter."""
    rows = [{"counter": name, "value": value} for name, value in status.get("counters", {}).items()]
    with cards.card("Counters", "As in /metrics, since the collector began.") as controls:
        listing.draw(rows, {"Counter": ("counter", "text"), "Value": ("value", count)}, most_rows=14)
        tables.download(rows, "counters", controls)
