"""D23: the same request, settings and whole prompt, is answered and paid for again and again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import percent, place
from spanledger_collector.detect.finding import Ask, Claim, Detector, Evidence, Finding, Fix, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

WITHIN_S: Final = 3600
MIN_SHARE: Final = 0.05  # of a place's calls
MOST_VARIED: Final = 0.3  # temperature; above it a second answer may be wanted
SURE_CALLS: Final = 100

_SNIPPET = """\
key = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
reply = cache.get(key)
if reply is None:
    reply = client.chat.completions.create(**request)
    cache.set(key, reply, ttl=3600)"""


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for row in ask("duplicates", within_s=[str(WITHIN_S)]):
        if row["repeats"] >= MIN_SHARE * row["read"] and not _wanted(row):
            yield _finding(row, window)


def _wanted(row: Row) -> bool:
    return row["temperature"] is not None and row["temperature"] > MOST_VARIED


def _finding(row: Row, window: Window) -> Finding:
    known = row["repeats"] > row["unpriced"]
    share = percent(row["repeats"], row["read"])
    sampled = row["read"] < row["calls"]
    temperature = "" if row["temperature"] is None else f", at a temperature of {row['temperature']:g} at most"
    return Finding(
        detector="D23",
        category="cost",
        place=place(row),
        window=window,
        title=f"{share} of the calls repeat a request of the same hour",
        why=(
            f"{row['repeats']:,} of {row['read']:,} calls asked just what had been answered within the hour before: "
            f"{row['requests']:,} different requests{temperature}. Each was paid for again."
        ),
        fix=Fix("Keep answers for an hour, under a hash of the whole request, and look there first.", _SNIPPET),
        verify="Calls at this place fall by about that share; the answers' users see no difference.",
        confidence="high" if row["temperature"] == 0 and row["repeats"] >= SURE_CALLS else "medium",
        trace_ids=tuple(row["trace_ids"]),
        money_usd=row["repeated_usd"] * row["calls"] / row["read"] if known else None,
        money_grade=("modelled" if sampled else "measured") if known else "none",
        evidence=Evidence(row["calls"], row["call_days"] if sampled else row["days"]),
        claims=tuple(Claim(call["1"], "call", call["2"]) for call in row["repeated_calls"]),
    )


DETECTOR = Detector("D23", timedelta(days=7), find, claims="duplicate")
