"""A review as a file of one form: what ``spanledger review`` writes and what the API lets one keep."""

from __future__ import annotations

import io
import re
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

from spanledger_collector.review import focus
from spanledger_collector.review.corrected import booked
from spanledger_collector.review.formats import FORMATS
from spanledger_collector.review.pack import Asked, collect

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from spanledger_collector.review.ledger import Asking, Row
    from spanledger_collector.review.period import Period

_IN_MEMORY: Final = 8 * 2**20
_ESTIMATES: Final = "Costs are estimates from list prices (x_CostSource), not an invoice."
MEDIA_TYPES: Final[Mapping[str, tuple[str, str]]] = {  # and how the file's name ends
    "html": ("text/html; charset=utf-8", "html"),
    "pdf": ("application/pdf", "pdf"),
    "md": ("text/markdown; charset=utf-8", "md"),
    "csv": ("text/csv; charset=utf-8", "csv"),
    "slack": ("application/json", "slack.json"),
    "focus": ("text/csv; charset=utf-8", "focus.csv"),
    "focus-parquet": ("application/vnd.apache.parquet", "focus.parquet"),
}


@dataclass(frozen=True, slots=True)
class Export:
    """``note`` is what a reader should know of it, or empty. ``body`` stands at its end."""

    name: str
    media_type: str
    body: IO[bytes]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Focus:
    """How a FOCUS export is made."""

    version: str = "1.2"
    account: str = "unspecified"


def export(ledger: Asking, asked: Asked, form: str, how: Focus = Focus()) -> Export:
    """``form`` is one of MEDIA_TYPES. Raises NoPrinter for a PDF that cannot be made here."""
    body: IO[Any] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - the reader closes it
    media_type, ending = MEDIA_TYPES[form]
    name = f"review-{_plain(asked)}.{ending}"
    try:
        note = _focus(ledger, asked, form, how, body) if form.startswith("focus") else _pack(ledger, asked, form, body)
    except BaseException:
        body.close()
        raise
    return Export(name, media_type, body, note)


def _plain(asked: Asked) -> str:
    """Names come from telemetry: none may end a header or a path."""
    words = (str(asked.period), *asked.scope.filters.values())
    return "-".join(re.sub(r"[^A-Za-z0-9.]+", "-", word).strip("-.")[:60] for word in words)


def _pack(ledger: Asking, asked: Asked, form: str, body: IO[bytes]) -> str:
    pack = collect(ledger, asked)
    body.write(FORMATS[form](pack))
    return f"no calls are recorded in {asked.period}" if pack.is_empty else ""


def _focus(ledger: Asking, asked: Asked, form: str, how: Focus, body: IO[bytes]) -> str:
    filters = asked.scope.filters
    totals = ledger.ask("totals", **asked.period.params(), **filters)[0]
    parts = _charges(ledger, asked.period, filters)
    if form == "focus-parquet":
        body.write(focus.parquet(parts, how.account, how.version))
    else:
        text = io.TextIOWrapper(body, "utf-8", newline="")
        focus.write(parts, how.account, text, how.version)
        text.detach()
    return _left_out(asked, how.version, totals["calls"], totals["unpriced_calls"])


def _charges(ledger: Asking, period: Period, filters: Mapping[str, str]) -> Iterator[Row]:
    corrections = defaultdict(list)
    for row in ledger.ask("corrections", **period.params(), **filters):
        corrections[row["day"]].append(row)
    for day in period.days():
        yield from booked(ledger.ask("cost_parts", **day, **filters), corrections[day["from"]])


def _left_out(asked: Asked, version: str, calls: int, unpriced: int) -> str:
    if not calls:
        return f"no calls are recorded in {asked.period}"
    known = f"{calls - unpriced} of {calls} calls; {unpriced} without a known cost are left out."
    return f"FOCUS {version}, {asked.period}: {known} {_ESTIMATES}"
