"""``spanledger review``: a period of the ledger as the pack a cost review opens, as a table or a FOCUS export."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spanledger_collector.review import focus
from spanledger_collector.review.budget import Scope
from spanledger_collector.review.export import MEDIA_TYPES, Focus, export
from spanledger_collector.review.ledger import Ledger, LedgerUnavailable
from spanledger_collector.review.pack import Asked
from spanledger_collector.review.pdf import NoPrinter
from spanledger_collector.review.period import Period

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def main(argv: Sequence[str]) -> int:
    """Exit code 0, or 1 when the collector cannot be asked; ``argv`` begins with the command's own name."""
    options = _parser().parse_args(argv[1:])
    try:
        _deliver(_render(options), options.out)
    except (LedgerUnavailable, NoPrinter, OSError) as error:
        sys.stderr.write(f"spanledger review: {error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="spanledger review", description=__doc__)
    add = parser.add_argument
    add(
        "--period",
        type=_read(Period.parse),
        metavar="PERIOD",
        help="2026-10, 2026-W41 or 2026-10-01..2026-10-15, both included; default: the running month",
    )
    add("--against", type=_read(Period.parse), metavar="PERIOD", help="default: the one before")
    for scope in ("team", "feature", "model"):
        add(f"--{scope}", default="", metavar="NAME", help=f"only this {scope}")
    add(
        "--format",
        choices=tuple(MEDIA_TYPES),
        default="md",
        help="md, html, pdf, slack (for a webhook), csv (tables), focus or focus-parquet; default: %(default)s",
    )
    add("--api", default="http://127.0.0.1:4319", help="the collector to ask; default: %(default)s")
    add("--out", type=Path, metavar="FILE", help="default: standard output")
    add("--now", type=_read(_moment), metavar="TIME", help="look from then, RFC 3339; default: now")
    add("--focus-version", choices=focus.VERSIONS, default="1.2", help="default: %(default)s")
    add("--billing-account", default="unspecified", metavar="ID", help="FOCUS BillingAccountId")
    return parser


def _read(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Argparse shows the text of its own exception only."""

    def read(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no zone; write it like 2026-11-02T08:00:00Z")
    return moment.astimezone(timezone.utc)


def _render(options: argparse.Namespace) -> bytes:
    ledger = Ledger(options.api, os.environ.get("SPANLEDGER_TOKEN", ""))
    now = options.now or datetime.now(timezone.utc)
    period = options.period or Period.month(now)
    asked = Asked(period, options.against or period.previous, now, Scope(options.team, options.feature, options.model))
    made = export(ledger, asked, options.format, Focus(options.focus_version, options.billing_account))
    if made.note:
        sys.stderr.write(f"{made.note}\n")
    with made.body as body:
        body.seek(0)
        return body.read()


def _deliver(made: bytes, out: Path | None) -> None:
    if out is not None:
        out.write_bytes(made)
        return
    sys.stdout.write(made.decode()) if made[:4] not in {b"%PDF", b"PAR1"} else sys.stdout.buffer.write(made)
