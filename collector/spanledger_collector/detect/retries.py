"""D12: retry amplification, one logical call becoming several HTTP requests."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Place, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_CALLS = 20
MIN_RETRIED_CALLS = 5  # one call retried fifty times is an incident of that call, not a pattern of the place
MIN_AMPLIFICATION = 1.5  # attempts per logical call
HIGH_CONFIDENCE_CALLS = 100

_SNIPPET = """\
client = OpenAI(max_retries=2, timeout=30.0)  # the SDK retries with back-off and honours Retry-After
client.chat.completions.create(...)           # no retry decorator or loop around this call"""


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    return (_finding(row, window) for row in ask("attempts") if _is_amplified(row))


def _is_amplified(row: Row) -> bool:
    enough = row["calls"] >= MIN_CALLS and row["retried_calls"] >= MIN_RETRIED_CALLS
    return bool(enough and row["attempts"] > MIN_AMPLIFICATION * row["calls"])


def _finding(row: Row, window: Window) -> Finding:
    factor = row["attempts"] / row["calls"]
    return Finding(
        detector="D12",
        category="dependency",
        place=Place(service=row["service"], provider=row["provider"], model=row["model"]),
        window=window,
        title=f"1 call to {row['model'] or row['provider']} becomes {factor:.1f} requests",
        why=_why(row),
        fix=Fix(
            "Keep retries in one layer, with exponential back-off and a small limit; when requests are refused for "
            "their rate (429), send fewer at once instead of sending them again.",
            _SNIPPET,
        ),
        verify=f"Requests per call fall below {MIN_AMPLIFICATION} over the next day.",
        confidence="high" if row["calls"] >= HIGH_CONFIDENCE_CALLS else "medium",
        trace_ids=tuple(row["trace_ids"]),
    )


def _why(row: Row) -> str:
    extra = row["attempts"] - row["calls"]
    return (
        f"{row['calls']:,} calls sent {row['attempts']:,} requests: {extra:,} were repeats, spread "
        f"over {row['retried_calls']:,} calls, of which {row['failed_calls']:,} failed all the same."
        f"{_refused(row)}{_time(row)}"
    )


def _refused(row: Row) -> str:
    return f" {row['rate_limited']:,} requests were refused for their rate (429)." if row["rate_limited"] else ""


def _time(row: Row) -> str:
    if not row["timed_calls"]:
        return " How long the repeats took was not reported."
    of = "" if row["timed_calls"] == row["retried_calls"] else f" (known for {row['timed_calls']:,} calls)"
    return f" Failed requests and the waits between them took {row['wasted_ms'] / 1000:,.1f} s{of}."


DETECTOR = Detector("D12", timedelta(days=1), find)
