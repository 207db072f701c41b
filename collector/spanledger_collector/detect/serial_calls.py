"""D22: calls of one request, one after the other, of which none needs the reply before it. Time, not money."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from statistics import median, pstdev
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import days, traces
from spanledger_collector.detect.finding import Ask, Detector, Evidence, Finding, Fix, Place, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MIN_SIBLINGS: Final = 3
MIN_PAIRS: Final = 20
MAX_GAP_S: Final = 1.0  # between two of them: after a longer one something else was waited for
SLACK_S: Final = 0.001  # of clocks
MIN_SAVED_S: Final = 1.0
MIN_SPREAD: Final = 10.0  # characters: replies of one length show nothing
CARRIED: Final = 0.5  # characters that a prompt grows by for each of the reply before it; 1 where it holds that reply
_ROOT: Final = "0" * 16

_SNIPPET = """\
async with asyncio.TaskGroup() as group:
    tasks = [group.create_task(ask(part)) for part in parts]"""


@dataclass(frozen=True, slots=True)
class Run:
    """The calls below one parent, oldest first, none beginning before the one before it has ended."""

    rows: tuple[Row, ...]

    @property
    def seconds(self) -> tuple[float, float]:
        """One after the other, and side by side."""
        each = [row["duration_ms"] / 1000 for row in self.rows]
        return sum(each), max(each)


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    alike: dict[tuple[object, ...], list[Run]] = defaultdict(list)
    for run in _runs(ask("call_facts")):
        first = run.rows[0]
        sites = tuple((row["call_site"], row["model"]) for row in run.rows)
        alike[first["service"], first["feature"], sites].append(run)
    for runs in alike.values():
        whole, least = (median(run.seconds[which] for run in runs) for which in (0, 1))
        if whole - least >= MIN_SAVED_S and _independent(runs):
            yield _finding(runs, whole, least, window)


def _runs(rows: Iterable[Row]) -> Iterator[Run]:
    children: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row["parent_span_id"] != _ROOT and row["outcome"] == "ok" and row["detailed"]:
            children[row["trace_id"], row["parent_span_id"]].append(row)
    for siblings in children.values():
        siblings.sort(key=lambda row: row["start"])
        if len(siblings) >= MIN_SIBLINGS and all(_follows(*pair) for pair in pairwise(siblings)):
            yield Run(tuple(siblings))


def _follows(before: Row, after: Row) -> bool:
    gap: float = (after["start"] - before["start"]).total_seconds() - before["duration_ms"] / 1000
    return -SLACK_S <= gap <= MAX_GAP_S


def _independent(runs: Sequence[Run]) -> bool:
    """Whether prompts do not grow with the reply before them: with all else by chance, by one for each character."""
    pairs = [pair for place in range(len(runs[0].rows) - 1) for pair in _centred(runs, place)]
    spread = pstdev(reply for reply, _ in pairs) if pairs else 0.0
    if len(pairs) < MIN_PAIRS or spread < MIN_SPREAD:
        return False
    squares = sum(reply * reply for reply, _ in pairs)
    slope = sum(reply * prompt for reply, prompt in pairs) / squares
    rest = sum((prompt - slope * reply) ** 2 for reply, prompt in pairs)
    error: float = (rest / (len(pairs) - 2) / squares) ** 0.5
    return bool(slope + 2 * error < CARRIED)


def _centred(runs: Sequence[Run], place: int) -> Iterator[tuple[float, float]]:
    """(characters of a reply, of the prompt after it), each less its mean over all runs."""
    told = [(float(run.rows[place]["output_chars"]), float(run.rows[place + 1]["input_chars"])) for run in runs]
    replies, prompts = (sum(pair[which] for pair in told) / len(told) for which in (0, 1))
    return ((reply - replies, prompt - prompts) for reply, prompt in told)


def _finding(runs: Sequence[Run], whole: float, least: float, window: Window) -> Finding:
    rows = [row for run in runs for row in run.rows]
    number = len(runs[0].rows)
    common = {name: _common(rows, name) for name in ("service", "feature", "provider", "model", "call_site")}
    return Finding(
        detector="D22",
        category="dependency",
        place=Place(**common),
        window=window,
        title=f"{number:,} calls one after the other: {whole:.1f} s where {least:.1f} s would do",
        why=(
            f"{len(runs):,} requests made {number:,} calls each in a row, and the length of a prompt does not depend "
            "on that of the reply before it, so none seems to hold it. Side by side they take as long as the slowest."
        ),
        fix=Fix("Send calls that do not need one another at the same time, within the rate limit.", _SNIPPET),
        verify="The calls of one request overlap, and the request takes as long as its slowest call.",
        confidence="medium",
        trace_ids=traces(sorted(rows, key=lambda row: row["start"])),
        evidence=Evidence(len(rows), days(row["start"] for row in rows)),
    )


def _common(rows: Iterable[Row], name: str) -> str:
    values = {row[name] for row in rows}
    return str(values.pop()) if len(values) == 1 else ""


DETECTOR = Detector("D22", timedelta(days=7), find)
