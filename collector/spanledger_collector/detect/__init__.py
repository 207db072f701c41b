"""Detectors turn named queries into findings. A detector is one file and one line of ``DETECTORS``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from spanledger_collector.detect import (
    batchable,
    buffered_stream,
    cache_regression,
    cheaper_sibling,
    claims,
    clockwork,
    contradicting_counts,
    double_counting,
    duplicates,
    equal_waits,
    evidence,
    failed_validation,
    fallback_use,
    free_text_json,
    futile_retries,
    growing_retries,
    hasty_retries,
    headroom,
    invoice_gap,
    lifecycle,
    limit_ahead,
    long_instructions,
    long_timeout,
    look_back,
    loops,
    near_minimum,
    no_breaker,
    prefix_breaker,
    prompt_drift,
    provider_miss,
    reasoning,
    record,
    refusals,
    resent_context,
    retries,
    rewritten_history,
    runaway,
    savings,
    serial_calls,
    short_life,
    tier_edge,
    tight_timeout,
    tool_order,
    truncated_json,
    unmarked_prefix,
    unpriced,
    unread_output,
    unstable_json,
    unstreamed,
    untold_usage,
    user_facing_errors,
    variable_system,
    warm_extraction,
    wasted_writes,
    wide_limit,
)
from spanledger_collector.detect.facts import Answer
from spanledger_collector.detect.finding import Detector, Finding, Row, Window
from spanledger_collector.giving_way import never
from spanledger_collector.rows import records

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

DETECTORS: tuple[Detector, ...] = (
    prefix_breaker.DETECTOR,
    tool_order.DETECTOR,
    unstable_json.DETECTOR,
    unmarked_prefix.DETECTOR,
    wasted_writes.DETECTOR,
    short_life.DETECTOR,
    near_minimum.DETECTOR,
    rewritten_history.DETECTOR,
    look_back.DETECTOR,
    provider_miss.DETECTOR,
    cache_regression.DETECTOR,
    retries.DETECTOR,
    hasty_retries.DETECTOR,
    equal_waits.DETECTOR,
    futile_retries.DETECTOR,
    long_timeout.DETECTOR,
    tight_timeout.DETECTOR,
    no_breaker.DETECTOR,
    fallback_use.DETECTOR,
    unstreamed.DETECTOR,
    buffered_stream.DETECTOR,
    headroom.DETECTOR,
    limit_ahead.DETECTOR,
    serial_calls.DETECTOR,
    duplicates.DETECTOR,
    loops.DETECTOR,
    runaway.DETECTOR,
    resent_context.DETECTOR,
    long_instructions.DETECTOR,
    batchable.DETECTOR,
    clockwork.DETECTOR,
    cheaper_sibling.DETECTOR,
    reasoning.DETECTOR,
    wide_limit.DETECTOR,
    tier_edge.DETECTOR,
    unpriced.DETECTOR,
    untold_usage.DETECTOR,
    double_counting.DETECTOR,
    contradicting_counts.DETECTOR,
    invoice_gap.DETECTOR,
    failed_validation.DETECTOR,
    truncated_json.DETECTOR,
    growing_retries.DETECTOR,
    free_text_json.DETECTOR,
    warm_extraction.DETECTOR,
    user_facing_errors.DETECTOR,
    prompt_drift.DETECTOR,
    variable_system.DETECTOR,
    refusals.DETECTOR,
    unread_output.DETECTOR,
)

RunQuery = Callable[[str, Mapping[str, Sequence[str]]], pa.Table]
Save = Callable[[str, pa.Table, str], None]  # table name, rows, insert token

_log = logging.getLogger(__name__)
_MONTH = timedelta(days=30)


class Detectors:
    """Evaluates the detectors and keeps the ``findings`` table; holds no state between
    evaluations. ``failed`` is told a detector's id; ``give_way`` is called between two detectors, and may wait.
    """

    def __init__(
        self,
        *,
        run_query: RunQuery,
        save: Save,
        failed: Callable[[str], None],
        detectors: Sequence[Detector] = DETECTORS,
        give_way: Callable[[], None] = never,
    ) -> None:
        self._run_query = run_query
        self._save = save
        self._failed = failed
        self._detectors = detectors
        self._give_way = give_way
        # Of this evaluation: detectors ask the same of the same time, and what failed fails for all of them.
        self._answers: dict[object, list[Row] | Exception] = {}

    def tick(self, now: datetime) -> None:
        """Evaluate once at ``now`` (UTC, aware). What is no longer found is marked ``cleared``, never deleted."""
        self._answers.clear()
        known = {row["id"]: row for row in self._rows("findings", {"status": ["any"]})}
        found: list[tuple[Detector, Finding]] = []
        silent: set[str] = set()  # detectors that could not be asked
        for detector in self._detectors:
            self._give_way()
            findings = self._evaluate(detector, now)
            found += [(detector, finding) for finding in findings or ()]
            silent |= {detector.id} if findings is None else set()
        rows = [record.found(each, known.get(each.id), now) for each in self._worth_showing(found, now)]
        rows += self._no_longer_found(known, {row["id"] for row in rows}, silent, now)
        self._keep([self._verified(row, now) for row in rows], now)
        self._answers.clear()

    def decide(self, finding_id: str, decision: lifecycle.Decision, now: datetime) -> Row:
        """Note what somebody decided about a finding, and answer its row. Raises LookupError for an unknown id."""
        known = {row["id"]: row for row in self._rows("findings", {"status": ["any"]})}
        if finding_id not in known:
            raise LookupError(f"no finding has the id {finding_id[:100]!r}: the query 'findings' lists them")
        row = lifecycle.decided(known[finding_id], decision, now)
        self._keep([row], now)
        return row

    def _keep(self, rows: Sequence[Row], now: datetime) -> None:
        if rows:
            self._save("findings", record.table(rows), f"findings-{now.isoformat()}")

    def _worth_showing(self, found: Sequence[tuple[Detector, Finding]], now: datetime) -> list[Finding]:
        spent = self._spent(now) if found else None
        enough = [pair for pair in found if evidence.enough(*pair, spent)]
        return [finding for _, finding in claims.settle(enough)]

    def _spent(self, now: datetime) -> Decimal | None:
        rows = self._rows("totals", Window(now - _MONTH, now).params())
        spent: Decimal | None = rows[0]["cost_usd"] if rows else None
        return spent

    def _no_longer_found(self, known: Mapping[str, Row], seen: set[str], silent: set[str], now: datetime) -> list[Row]:
        gone = [row for key, row in known.items() if key not in seen and row["detector"] not in silent]
        cleared = [record.cleared(row, now) for row in gone if row["status"] in ("open", "accepted")]
        return cleared + [row | {"updated": now} for row in gone if row["status"] == "fixed"]

    def _verified(self, row: Row, now: datetime) -> Row:
        return (savings.verified(row, self._rows, now) or row) if row["status"] == "fixed" else row

    def _evaluate(self, detector: Detector, now: datetime) -> list[Finding] | None:
        window = Window(now - detector.span, now)
        try:
            findings = list(detector.find(partial(self._asked, window), window))
            record.table(record.found(finding, None, now) for finding in findings)  # raises for what cannot be kept
        except Exception:  # noqa: BLE001 - one detector's failure must not silence the others; counted and logged
            self._failed(detector.id)
            _log.exception("detector %s failed; its findings stay as they were", detector.id)
            return None
        return findings

    def _asked(self, window: Window, name: str, **more: Sequence[str]) -> list[Row]:
        asked = name, window, *(f"{key}={value}" for key, value in more.items())
        if asked not in self._answers:
            try:
                self._answers[asked] = Answer(self._rows(name, {**window.params(), **more}))
            except Exception as error:  # noqa: BLE001 - raised below, for each detector that asks
                self._answers[asked] = error
        answer = self._answers[asked]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _rows(self, name: str, params: Mapping[str, Sequence[str]]) -> list[Row]:
        return records(self._run_query(name, params))
