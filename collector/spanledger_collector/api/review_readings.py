"""The review over HTTP: its data, its files, and what would have been."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from starlette.exceptions import HTTPException

from spanledger_collector.queries.parameter import Parameter, choice
from spanledger_collector.review import focus
from spanledger_collector.review.desk import REVIEWED, price_line
from spanledger_collector.review.export import MEDIA_TYPES
from spanledger_collector.review.pdf import NoPrinter
from spanledger_collector.review.period import Period

from .reading import File, Reading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spanledger_collector.review.desk import ReviewDesk

_SHARE_SCHEMA: Final = {"type": "string", "pattern": r"^(0(\.\d+)?|1(\.0+)?)$"}


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError("it has no zone; use RFC 3339, such as 2026-11-02T08:00:00Z")
    return moment.astimezone(timezone.utc)


def _share(text: str) -> Decimal:
    try:
        share = Decimal(text)
    except InvalidOperation:
        share = Decimal(-1)
    if not share.is_finite() or not 0 <= share <= 1:
        raise ValueError("write a share from 0 to 1, such as 0.8")
    return share


_PERIOD: Final = Parameter(
    "period", "2026-10, 2026-W41 or 2026-10-01..2026-10-15, both included; the running month when absent.", Period.parse
)
_AGAINST: Final = Parameter("against", "The period it is held against; the one before when absent.", Period.parse)
_NOW: Final = Parameter("now", "Look from then, RFC 3339; now when absent.", _moment)
_SCOPE: Final = tuple(
    Parameter(name, f"Only calls of this {name}.", default="") for name in ("team", "feature", "model")
)
_ASKED: Final = (_PERIOD, _AGAINST, *_SCOPE, _NOW)
_PART: Final = choice(
    "part",
    "opening: the headline, the totals and what was restated, without the rest; ask for that with now = its as_of.",
    REVIEWED,
    default=REVIEWED[0],
)
_FILE: Final = (
    choice("format", "The form of the file.", tuple(MEDIA_TYPES), default="html"),
    choice("focus_version", "Of a FOCUS export.", focus.VERSIONS, default=focus.VERSIONS[0]),
    Parameter("billing_account", "BillingAccountId of a FOCUS export.", default="unspecified"),
)
_SCENARIO: Final = (
    Parameter("to_model", "Everything on this model.", default=""),
    Parameter("to_provider", "At this provider; each call's own when absent.", default=""),
    Parameter("cache_hit", "Share of input read from the cache, 0 to 1.", _share, _SHARE_SCHEMA),
    Parameter("batch", "Share of calls made as batch, 0 to 1.", _share, _SHARE_SCHEMA),
    Parameter(
        "price",
        "A line laid over the price book, as JSON in the words of a price file; may be given several times.",
        price_line,
        repeatable=True,
        default=(),
    ),
)


def review_readings(desk: ReviewDesk) -> tuple[Reading, ...]:
    def file(given: Mapping[str, Any]) -> File:
        try:
            made = desk.file(given)
        except NoPrinter as error:
            raise HTTPException(501, str(error)) from error
        return File(made.name, made.media_type, made.body)

    media_types = tuple(dict.fromkeys(media_type.partition(";")[0] for media_type, _ in MEDIA_TYPES.values()))
    return (
        Reading(
            "/review",
            "A period against another: bridge, forecast, budgets, showback, unit costs, coverage, restatements.",
            (*_ASKED, _PART),
            desk.review,
        ),
        Reading("/review/file", "The review as a file to keep.", (*_ASKED, *_FILE), file, media_types),
        Reading(
            "/what-if",
            "A period on another model, price list, cache hit rate or batch share, per feature: an estimate.",
            (_PERIOD, *_SCOPE, *_SCENARIO),
            desk.what_if,
        ),
    )
