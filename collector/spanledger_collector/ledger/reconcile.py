"""The ledger beside a provider's bill: what differs by day and model, and what most likely explains it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime, timezone
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, Protocol

import pyarrow as pa

from spanledger_collector.ledger.exports import Bill

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_SAME: Final = Decimal("0.005")  # a difference of half a percent is none
_CENT: Final = Decimal("0.01")
_HALF: Final = (Decimal("0.48"), Decimal("0.52"))
_MONEY: Final = pa.decimal128(38, 18)
_COUNTS: Final = ("calls", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")


class Tables(Protocol):
    def insert(self, table: str, rows: pa.Table, token: str) -> None: ...
    def command(self, sql: str, settings: Mapping[str, Any] | None = None) -> None: ...


def keep(tables: Tables, bills: Sequence[Bill]) -> None:
    """Store an export's rows in place of what was imported of the same kind, provider and days before."""

    def key(bill: Bill) -> tuple[str, str]:
        return bill.source, bill.provider

    for (source, provider), some in groupby(sorted(bills, key=key), key):
        rows = list(some)
        days = ", ".join(sorted({str(int(_midnight(bill.day).timestamp())) for bill in rows}))
        kind = f"hex(source) = '{_hex(source)}' AND hex(provider) = '{_hex(provider)}'"
        tables.command(
            f"ALTER TABLE provider_bills DELETE WHERE {kind} AND toUnixTimestamp(day) IN ({days})",
            {"mutations_sync": 2},
        )
        now = datetime.now(timezone.utc)
        tables.insert("provider_bills", _rows(rows, now), f"bills-{source}-{provider}-{now.timestamp()}")


def bill_of(row: Mapping[str, Any]) -> Bill:
    """A row as the API takes it: a day as text, a cost as text. Raises ValueError."""
    cost = row.get("cost")
    provider, model, source, line = (str(row.get(name) or "") for name in ("provider", "model", "source", "line"))
    counts: dict[str, Any] = {name: row.get(name) for name in _COUNTS}
    counts["cost"] = None if cost is None else Decimal(cost)
    day = date.fromisoformat(str(row.get("day")))
    return Bill(day, provider, model, source, line, **counts)


@dataclass(frozen=True, slots=True)
class Gap:
    """One day and model whose two sides differ. US dollars; None where one side does not tell."""

    day: date
    provider: str
    model: str
    ledger: Decimal | None
    billed: Decimal | None
    cause: str

    @property
    def difference(self) -> Decimal | None:
        """Billed less recorded."""
        return None if self.ledger is None or self.billed is None else self.billed - self.ledger


def gaps(rows: Iterable[Mapping[str, Any]]) -> list[Gap]:
    """Of the rows of the query ``reconciliation``, those that differ, with the likely cause; the largest first."""
    read = [dict(row) for row in rows]
    shifted = _even_over_days(read)
    found = [
        Gap(row["day"].date(), row["provider"], row["model"], row["cost_usd"], row["billed_usd"], cause)
        for row in read
        if (cause := _cause(row, even=(row["provider"], row["model"]) in shifted))
    ]
    return sorted(found, key=lambda gap: -abs((gap.billed or Decimal(0)) - (gap.ledger or Decimal(0))))


def _even_over_days(rows: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Models whose days differ and whose sum over several days does not."""
    sums: dict[tuple[str, str], list[Decimal]] = {}
    for row in rows:
        if row["cost_usd"] is not None or row["billed_usd"] is not None:
            one = sums.setdefault((row["provider"], row["model"]), [Decimal(0), Decimal(0), Decimal(0)])
            one[0] += row["cost_usd"] or 0
            one[1] += row["billed_usd"] or 0
            one[2] += 1
    return {key for key, (ours, theirs, days) in sums.items() if days > 1 and _same(ours, theirs)}


def _cause(row: Mapping[str, Any], *, even: bool) -> str:
    """Empty where the sides agree; the first that fits, the surer before the vaguer."""
    ours, theirs = row["cost_usd"], row["billed_usd"]
    counted = [name for name in ("calls", "input_tokens", "output_tokens") if row[f"billed_{name}"] is not None]
    differing = [name for name in counted if not _same(Decimal(row[name]), Decimal(row[f"billed_{name}"]))]
    if theirs is None and not counted:
        return "the bill has no such line: another account or provider paid, or the export is not complete"
    if not differing and (theirs is None or (ours is not None and _same(ours, theirs))):
        return ""
    if not row["calls"]:
        return "the ledger has no such call: a program without the library, another key or another model name"
    if even:
        return "over all days the two agree: the provider cuts its days at another time than midnight UTC"
    return _counted_cause(row, differing) or _priced_cause(row, ours, theirs, told=bool(counted))


def _counted_cause(row: Mapping[str, Any], differing: Sequence[str]) -> str:
    if "calls" in differing:
        missing = row["billed_calls"] - row["calls"]
        if missing > 0:
            return f"{missing} billed calls are not in the ledger: a program without the library, or another key"
        return (
            f"{-missing} calls of the ledger are not billed: failed ones, or retries that the provider does not count"
        )
    if differing and row["modelled_calls"]:
        return f"{row['modelled_calls']} calls have modelled tokens: ask the streams for usage to have them measured"
    return (
        f"the counts of {', '.join(differing)} differ: streams cut short, or calls without usage" if differing else ""
    )


def _priced_cause(row: Mapping[str, Any], ours: Decimal | None, theirs: Decimal | None, *, told: bool) -> str:
    if row["unpriced_calls"]:
        return f"{row['unpriced_calls']} calls have no known cost: give their price and run `spanledger reprice`"
    if not ours or theirs is None:
        return "the ledger knows no cost here"
    ratio = theirs / ours
    same = "the counts agree, " if told else ""
    if _HALF[0] <= ratio <= _HALF[1]:
        return f"{same}the bill is half: batch or flex calls recorded as standard ones"
    return f"{same}the bill is {ratio:.3f} of the list price: a contract discount, another tier, or a changed price"


def _same(ours: Decimal, theirs: Decimal) -> bool:
    return abs(ours - theirs) <= max(_SAME * max(abs(ours), abs(theirs)), _CENT if ours or theirs else Decimal(0))


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=timezone.utc)


def _hex(text: str) -> str:
    return text.encode().hex().upper()


def _rows(bills: Sequence[Bill], now: datetime) -> pa.Table:
    rows = [asdict(bill) | {"day": _midnight(bill.day)} for bill in bills]
    texts = {name: pa.array([row[name] for row in rows]) for name in ("source", "provider", "model", "line")}
    counts = {name: pa.array([row[name] for row in rows], pa.uint64()) for name in _COUNTS}
    cost = pa.array([row["cost"] for row in rows], _MONEY)
    days = pa.array([row["day"] for row in rows], pa.timestamp("s", "UTC"))
    updated = pa.array([now] * len(rows), pa.timestamp("us", "UTC"))
    return pa.table({**texts, **counts, "cost": cost, "day": days, "updated": updated})
