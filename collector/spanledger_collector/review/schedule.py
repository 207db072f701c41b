"""Reviews that make themselves: of each week and month that is over, into a folder, then told by Slack or mail.

What was made and told is remembered as files in that folder, so a restart neither repeats nor forgets.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from spanledger_collector.review.delivery import Mail, Slack, Told, Undelivered
from spanledger_collector.review.formats import FORMATS
from spanledger_collector.review.pack import Asked, Pack, collect
from spanledger_collector.review.pdf import NoPrinter
from spanledger_collector.review.period import Period

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from spanledger_collector.review.ledger import Asking

SETTLING: Final = timedelta(hours=6)  # late spans may still come
WHEN: Final[Mapping[str, Callable[[datetime], Period]]] = {"weekly": Period.week, "monthly": Period.month}
KEPT: Final = ("html", "pdf", "md", "csv")
SCHEDULE, FORMS, FOLDER = "SPANLEDGER_REVIEW", "SPANLEDGER_REVIEW_FORMATS", "SPANLEDGER_REVIEW_DIR"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """``periods`` of WHEN, ``forms`` of KEPT, each written to ``folder`` and told through every channel."""

    periods: tuple[str, ...]
    forms: tuple[str, ...]
    folder: Path
    channels: tuple[Told, ...] = ()


def planned(environment: Mapping[str, str], data: Path) -> Plan | None:
    """From ``SPANLEDGER_REVIEW*``; None where nothing is scheduled. Raises ValueError for what cannot work."""
    periods = _chosen(SCHEDULE, environment.get(SCHEDULE, ""), tuple(WHEN))
    if not periods:
        return None
    forms = _chosen(FORMS, environment.get(FORMS, "html"), KEPT)
    folder = Path(environment.get(FOLDER) or data / "reviews")
    channels = tuple(each for each in (Slack.configured(environment), Mail.configured(environment)) if each)
    return Plan(periods, forms or ("html",), folder, channels)


def _chosen(variable: str, text: str, options: Sequence[str]) -> tuple[str, ...]:
    chosen = tuple(word.strip() for word in text.split(",") if word.strip())
    for word in chosen:
        if word not in options:
            raise ValueError(f"{variable}={text!r} has {word!r}; it is one or more of {', '.join(options)}")
    return chosen


class Reviews:
    """``tick`` is all it does: it makes what is due and tells what was not told."""

    def __init__(self, ledger: Asking, plan: Plan) -> None:
        self._ledger, self._plan = ledger, plan

    def tick(self, now: datetime) -> None:
        for period in self._due(now):
            pack = collect(self._ledger, Asked(period, period.previous, now))
            if not pack.is_empty:
                self._publish(pack)

    def _due(self, now: datetime) -> Iterator[Period]:
        for name in self._plan.periods:
            period = WHEN[name](now - SETTLING).previous
            if not all(mark.exists() for mark in self._marks(period)):
                yield period

    def _marks(self, period: Period) -> list[Path]:
        files = [self._file(period, form) for form in self._plan.forms]
        return files + [self._told(period, channel) for channel in self._plan.channels]

    def _file(self, period: Period, form: str) -> Path:
        return self._plan.folder / f"review-{period}.{form}"

    def _told(self, period: Period, channel: Told) -> Path:
        return self._plan.folder / f".review-{period}.{channel.name}.told"

    def _publish(self, pack: Pack) -> None:
        self._plan.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for form in self._plan.forms:
            self._write(pack, form)
        for channel in self._plan.channels:
            mark = self._told(pack.period, channel)
            if not mark.exists():
                self._tell(channel, pack, mark)

    def _write(self, pack: Pack, form: str) -> None:
        """In one step, so that half a file is never taken for a review."""
        path = self._file(pack.period, form)
        if path.exists():
            return
        try:
            made = FORMATS[form](pack)
        except NoPrinter as error:
            _log.error("the review of %s is not made as %s: %s", pack.period, form, error)
            return
        draft = path.with_suffix(f".{form}.new")
        draft.write_bytes(made)
        draft.replace(path)

    def _tell(self, channel: Told, pack: Pack, mark: Path) -> None:
        files = [path for form in self._plan.forms if (path := self._file(pack.period, form)).exists()]
        try:
            channel.tell(pack, files)
        except Undelivered as error:
            _log.warning("the review of %s is not told by %s, it is tried again: %s", pack.period, channel.name, error)
        else:
            mark.touch()
