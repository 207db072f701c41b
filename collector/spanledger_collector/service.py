"""The collector process: every stage opened in order, composed here and nowhere else, and closed in reverse."""

from __future__ import annotations

import contextlib
import functools
import logging
import threading
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from spanledger._version import __version__
from spanledger_collector import memory, normalise, queries
from spanledger_collector.alerts import Alerting, rulebook, snapshot
from spanledger_collector.alerts.anomalies import Anomalies
from spanledger_collector.alerts.budget_burn import BudgetBurn
from spanledger_collector.alerts.desk import AlertDesk
from spanledger_collector.alerts.notify import configured
from spanledger_collector.alerts.spend import Spend
from spanledger_collector.alerts.users import Users
from spanledger_collector.api import create_app as create_api
from spanledger_collector.api.alert_actions import alert_actions, alert_readings
from spanledger_collector.api.budget_actions import budget_actions
from spanledger_collector.api.finding_actions import finding_actions
from spanledger_collector.api.ledger_actions import ledger_actions
from spanledger_collector.api.review_readings import review_readings
from spanledger_collector.api.table import json_text
from spanledger_collector.backend import Backend
from spanledger_collector.counters import Counters
from spanledger_collector.data_directory import LETTERS, open_directory
from spanledger_collector.detect import Detectors
from spanledger_collector.disk import Disk
from spanledger_collector.follow import FOLLOW_EVERY_S, MARK, Follower
from spanledger_collector.forward import Forwarder
from spanledger_collector.giving_way import GivesWay, Pages
from spanledger_collector.ledger import allocation
from spanledger_collector.ledger.allocation import Rules
from spanledger_collector.ledger.desk import Desk
from spanledger_collector.ledger.modelled import TokenModel
from spanledger_collector.listener import CannotStart
from spanledger_collector.listeners import Listeners
from spanledger_collector.periodic import Periodic
from spanledger_collector.pipeline import Pipeline, Stages
from spanledger_collector.pricing import Book, PriceFileError, edition, published
from spanledger_collector.reading.batch import Reader
from spanledger_collector.reading.messages import Setting
from spanledger_collector.reading.process import ReaderProcess, SharedReading
from spanledger_collector.receivers.intake import Intake
from spanledger_collector.recent import RecentSpans
from spanledger_collector.review.desk import ReviewDesk
from spanledger_collector.review.ledger import OwnLedger
from spanledger_collector.review.schedule import Plan, Reviews, planned
from spanledger_collector.status import Status
from spanledger_collector.store import Keep, Store, StoreFault, pack
from spanledger_collector.tellings import Emitters, names_of
from spanledger_collector.wal import Limits

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from spanledger_collector.alerts.notify import Notifier
    from spanledger_collector.api import RunQuery
    from spanledger_collector.listeners import Endpoints
    from spanledger_collector.reading.batch import SegmentReader
    from spanledger_collector.settings import Settings

logger = logging.getLogger(__name__)
SLOW_S: Final = 1.5  # an opening that takes longer says what it is doing
DETECT_EVERY_S: Final = 60.0
DETECT_QUERY_S: Final = 90  # nobody waits for a detector, but whoever stops the collector
DETECT_SHARE: Final = 0.05  # of the time, at most
ALERT_EVERY_S: Final = 30.0
DISK_EVERY_S: Final = 60.0
TIDY_EVERY_S: Final = 10.0
REVIEW_EVERY_S: Final = 600.0
LEARN_EVERY_S: Final = 600.0
FORWARD_GRACE_S: Final = 5.0
SEGMENT_BYTES: Final = 8 * 2**20  # some 7,000 spans of 25 attributes: 20 MB of Arrow rows while it is worked off
MOST_WAITING: Final = 8  # segments, some seconds of full ingest: with more, what comes in goes before detectors
_EMITTERS: Final = """
SELECT DISTINCT emitter, model, request_model FROM calls
UNION DISTINCT SELECT DISTINCT emitter, model, request_model FROM retold_calls"""
_LAST_START: Final = "SELECT toUnixTimestamp64Nano(max(start)) AS ns FROM spans"


class Service:
    """`open` it, `run` it until it is told to stop, then `close` it."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self._settings, self._say = settings, say
        self._opened = contextlib.ExitStack()
        self.counters = Counters()
        self._pages = Pages()

    def open(self) -> None:
        """Bind, lock and open everything. Raises CannotStart, with nothing left open."""
        with contextlib.ExitStack() as opened:
            self._book = self._prices()
            self._reviews = self._planned_reviews()
            self._allocation = self._rules()
            self._notifiers, self._rulebook = self._configured_alerts()
            self._listeners = Listeners(self._settings, opened)
            self._open_directory(opened)
            memory.engine_gives_back()
            self._open_store(opened)
            self._compose()
            self._opened = opened.pop_all()

    async def run(self, stop: asyncio.Event, ready: Callable[[Endpoints], None]) -> None:
        """Accept until `stop` is set, then work off what was accepted. Raises CannotStart."""
        pa.set_memory_pool(pa.system_memory_pool())  # the default pool keeps what a batch has given back
        memory.settle()
        self._ready = ready
        await self._listeners.serve(stop, self)

    def accepting(self, endpoints: Endpoints) -> None:
        self._pipeline.start()
        for evaluation in self._evaluations:
            evaluation.start()
        self._status.otlp_http = endpoints.otlp_http
        self._ready(endpoints)

    def refusing(self) -> None:
        self._status.otlp_http = ""
        self._pages.close()

    def drain(self) -> None:
        """Nothing comes in any more: work off what is left, for a while."""
        self._log.seal()
        if not self._pipeline.drain(self._settings.drain_seconds):
            left = self._log.segments
            self._say(f"{left} log segments are not in the store yet; they are kept and written at the next start")
        self._shared_reading.close()
        for evaluation in self._evaluations:
            evaluation.stop()
        if self._forwarder:
            self._forwarder.close(FORWARD_GRACE_S)

    def close(self) -> None:
        """Give everything up; what the store does not have stays in the log."""
        self._opened.close()

    def _prices(self) -> Book:
        try:
            edition.adopt(self._settings.data / edition.FILE)
            return Book(self._settings.prices)
        except PriceFileError as error:
            raise CannotStart(str(error)) from error

    def _configured_alerts(self) -> tuple[tuple[Notifier, ...], Callable[[], rulebook.Rulebook]]:
        environment = dict(self._settings.alert_environment)
        try:
            return configured(environment), rulebook.configured(environment)
        except ValueError as error:
            raise CannotStart(str(error)) from error

    def _open_directory(self, opened: contextlib.ExitStack) -> None:
        limits = Limits(SEGMENT_BYTES, total_bytes=self._settings.log_bytes)
        directory = open_directory(self._settings.data, limits, self.counters, opened)
        self._log, self._dead_letters = directory.log, directory.dead_letters

    def _open_store(self, opened: contextlib.ExitStack) -> None:
        backlog = self._log.segments
        with _patience(self._say, f"opening the store in {self._settings.data}, {backlog} log segments to replay ..."):
            try:
                self._store = Store.open(self._settings.dsn, cluster=self._settings.cluster)
                self._store.keep(Keep(self._settings.keep_spans_days, self._settings.keep_calls_days))
            except (StoreFault, OSError) as error:
                raise CannotStart(str(error)) from error
        opened.callback(self._store.close)

    def _compose(self) -> None:
        settings, counters = self._settings, self.counters
        backend = Backend(settings.forward, settings.forward_headers) if settings.forward else None
        self._forwarder = Forwarder(backend, counters) if backend else None
        intake = Intake(self._log.append, counters, keeps_metrics=self._forwarder is not None)
        self._disk = Disk(settings.data, settings.disk_budget_bytes, self._used_bytes, counters)
        self._status = Status(settings, counters, self._log, self._store, self._book, self._disk)
        unhurried = functools.partial(queries.run, self._store, yielding=True)
        self._token_model = TokenModel(unhurried, self._book.price)
        self._pipeline = self._piping()
        learned = snapshot.Snapshot(settings.data / snapshot.FILE, settings.dsn)
        self._anomalies = Anomalies(unhurried, snapshot=learned, give_way=GivesWay(self._pages.asked))
        self._detectors = Detectors(
            run_query=functools.partial(unhurried, seconds=DETECT_QUERY_S),
            save=self._store.insert,
            failed=lambda detector: counters.add("spanledger_detector_failures_total", detector=detector),
            give_way=GivesWay(self._pages.asked),
        )
        api = create_api(
            run_query=self._answer,
            status=self._status.describe,
            metrics=counters.render,
            ready=self._status.not_ready,
            version=__version__,
            actions=(
                *ledger_actions(self._desk()),
                *finding_actions(self._detectors),
                *budget_actions(self._store.insert),
                *alert_actions(self._alert_desk()),
                *alert_readings(self._anomalies),
                *review_readings(ReviewDesk(self._own_ledger(self._answer), self._book)),
            ),
        )
        self._listeners.compose(intake, api)
        self._evaluations = self._evaluating()
        if forwarder := self._forwarder:
            counters.watch("spanledger_forward_queue_bytes", lambda: forwarder.queued_bytes)

    def _piping(self) -> Pipeline:
        return Pipeline(
            Stages(
                log=self._log,
                reader=self._reading(self._emitters()),
                ledger=self._store,
                recent=RecentSpans(self._complete_from_ns()),
                counters=self.counters,
                forward=self._forwarder.offer if self._forwarder else None,
            )
        )

    def _reading(self, emitters: Emitters) -> SegmentReader:
        to_call, price = self._allocation.after(normalise.to_call), self._token_model.price
        here = Reader(to_call, price, pack, self._dead_letters, self.counters, emitters=emitters)
        setting = Setting(self._settings.data / LETTERS, self._allocation, self._book, published.in_use())
        apart = ReaderProcess(setting, lambda: self._token_model.ratios, emitters, self.counters)
        self._shared_reading = SharedReading(here, apart)
        return self._shared_reading

    def _used_bytes(self) -> int:
        """Of log and embedded store; a server's disk is its own."""
        tables = self._store.size().values() if self._settings.is_embedded else ()
        return self._log.queued_bytes + sum(table.bytes for table in tables)

    def _rules(self) -> Rules:
        try:
            return allocation.read(self._settings.allocation) if self._settings.allocation else Rules()
        except PriceFileError as error:
            raise CannotStart(str(error)) from error

    def _planned_reviews(self) -> Plan | None:
        try:
            return planned(dict(self._settings.review_environment), self._settings.data)
        except ValueError as error:
            raise CannotStart(str(error)) from error

    def _reviewing(self) -> tuple[Periodic, ...]:
        if self._reviews is None:
            return ()
        ledger = self._own_ledger(functools.partial(queries.run, self._store))
        return (Periodic("reviews", REVIEW_EVERY_S, Reviews(ledger, self._reviews).tick, self.counters),)

    def _following(self) -> tuple[Periodic, ...]:
        if not self._settings.follow:
            return ()
        log, limit = self._log, self._settings.log_bytes // 4  # the rest is for those who send
        follower = Follower(
            self._settings.follow,
            log.append,
            lambda: log.queued_bytes < limit,
            self.counters,
            self._settings.data / MARK,
        )
        return (Periodic("follow", FOLLOW_EVERY_S, follower.tick, self.counters),)

    def _answer(self, name: str, params: Mapping[str, Sequence[str]]) -> pa.Table:
        """A query that somebody waits for."""
        with self._pages.answering():
            return queries.run(self._store, name, params)

    def _own_ledger(self, run_query: RunQuery) -> OwnLedger:
        return OwnLedger(lambda name, params: json_text(run_query(name, params)), self._status.describe)

    def _desk(self) -> Desk:
        """What is done with the ledger by hand; price lines given earlier hold from here on."""
        desk = Desk(functools.partial(queries.run, self._store), self._store, self._book, self._allocation)
        desk.price_lines.load()
        return desk

    def _alert_desk(self) -> AlertDesk:
        run_query = functools.partial(queries.run, self._store)
        return AlertDesk(run_query, self._store.insert, self._notifiers, self._rulebook)

    def _evaluating(self) -> tuple[Periodic, ...]:
        """What reads the ledger by itself and writes down what it sees, each in its own thread."""
        store, count = self._store, self.counters.add
        run_query = functools.partial(queries.run, store)
        alerting = Alerting(
            run_query=run_query,
            save=store.insert,
            delivered=lambda outcome: count("spanledger_notifications_total", outcome=outcome),
            rules=(self._anomalies, Spend(run_query), Users(run_query), BudgetBurn(run_query)),
            notifiers=self._notifiers,
            rulebook=self._rulebook,
        )
        # These two read a whole ledger, each on one core: the others are for pages.
        whole = functools.partial(Periodic, counters=self.counters, turns=threading.Lock(), busy=self._is_behind)
        return (
            whole("token model", LEARN_EVERY_S, self._token_model.refresh),
            whole("detectors", DETECT_EVERY_S, self._detectors.tick, share=DETECT_SHARE),
            Periodic("alerts", ALERT_EVERY_S, alerting.tick, self.counters),
            Periodic("disk", DISK_EVERY_S, self._disk.tick, self.counters),
            Periodic("memory", TIDY_EVERY_S, lambda _now: memory.tidy(), self.counters),
            *self._reviewing(),
            *self._following(),
        )

    def _is_behind(self) -> bool:
        return self._log.segments > MOST_WAITING

    def _emitters(self) -> Emitters:
        """Who has told of calls so far."""
        emitters = Emitters(alone=self._settings.is_embedded)
        for row in self._store.query(_EMITTERS).to_pylist():
            emitters.add(row["emitter"], names_of(row["model"], row["request_model"]))
        return emitters

    def _complete_from_ns(self) -> int | None:
        """From which start on this process alone knows what is stored; None where other collectors may write too."""
        if not self._settings.is_embedded:
            return None
        last: int = self._store.query(_LAST_START).column("ns")[0].as_py()
        return last + 1


@contextlib.contextmanager
def _patience(say: Callable[[str], None], text: str) -> Iterator[None]:
    """Say what takes so long, if it does."""
    timer = threading.Timer(SLOW_S, say, (text,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
