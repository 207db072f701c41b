"""A made-up FOCUS 1.2 export, corrections included, before FinOps' own validator.

usage: .venv/bin/python scripts/focus_check.py

The validator needs Python 3.12 and has an environment of its own, .venv-focus, made by `scripts/setup dev`.
Exits with 1 when a rule fails that is not one of EXPECTED, or one of those no longer does.
"""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # the made-up calls are the tests'

from tests.support.calls import make_call  # noqa: E402 - after the path
from tests.support.ledger import Ledger, open_ledger  # noqa: E402 - the same

from spanledger_collector.api.table import json_text  # noqa: E402 - the same
from spanledger_collector.ledger.reprice import Repricing  # noqa: E402 - the same
from spanledger_collector.model import Cost, Usage  # noqa: E402 - the same
from spanledger_collector.pricing import Book  # noqa: E402 - the same
from spanledger_collector.review.export import Focus, export  # noqa: E402 - the same
from spanledger_collector.review.ledger import OwnLedger  # noqa: E402 - the same
from spanledger_collector.review.pack import Asked  # noqa: E402 - the same
from spanledger_collector.review.period import Period  # noqa: E402 - the same

if TYPE_CHECKING:
    from spanledger_collector.model import Call

SUPPORTED = "NEGOTIATED_PRICING_SUPPORTED,UNIT_PRICING_SUPPORTED,SUB_ACCOUNT_SUPPORTED,TAGGING_SUPPORTED"
# "MUST NOT be null when the charge is associated with an invoice": estimates are not, but the check has no condition.
EXPECTED = {"InvoiceId-C-005-C"}
CONTRACT = '[[price]]\nprovider = "openai"\nmodel = "gpt-4.1"\ndiscount = "0.5"\n'
MONTH = Period.parse("2026-10")
CACHED = Usage(uncached_input=1001, cache_read=2048, output=333)
WRITTEN = Usage(uncached_input=17, cache_write_5m=3001, output=41)
_ids = itertools.count(1)


def call(at: str, usage: Usage = CACHED, **fields: Any) -> Call:
    one = make_call(usage, at, span_id=next(_ids).to_bytes(8, "big"), **fields)
    one.cost = fields.get("cost") or Book().price(one)
    return one


def write(ledger: Ledger, folder: Path) -> None:
    told = Cost(total=Decimal("0.000123456789012345"), grade="provider", price="openrouter/reported")
    ledger.write(
        [
            call("2026-10-02T01:00:00Z", team="search", feature="rank"),
            call("2026-10-02T02:00:00Z", service_tier="batch"),
            call("2026-10-03T02:00:00Z", WRITTEN, provider="anthropic", model="claude-sonnet-4-5", team="ops"),
            call("2026-10-05T05:00:00Z", provider="openrouter", model="nova-1", cost=told),
        ]
    )
    prices = folder / "prices.toml"
    prices.write_text(CONTRACT)
    again = Repricing(ledger.run, ledger.store, Book(prices).price, "check")
    second, november = (datetime(2026, month, 2, tzinfo=timezone.utc) for month in (10, 11))
    again.apply(second, "contract", restate=True, now=november)


def exported(folder: Path) -> list[Path]:
    files = []
    for ledger in open_ledger(folder):
        write(ledger, folder)
        own = OwnLedger(lambda name, params, run=ledger.run: json_text(run(name, params)), dict)
        for form, ending in (("focus", "csv"), ("focus-parquet", "parquet")):
            asked = Asked(MONTH, MONTH.previous, MONTH.end)
            with export(own, asked, form, Focus("1.2", "acct-7")).body as body:
                body.seek(0)
                files.append(folder / f"focus.{ending}")
                files[-1].write_bytes(body.read())
    return files


def failing(packages: Path, file: Path) -> set[str]:
    command = [packages.parents[2] / "bin/focus-validator", "--data-file", file, "--validate-version", "1.2"]
    options = ["--block-download", "--focus-dataset", "CostAndUsage", "--applicability-criteria", SUPPORTED]
    done = subprocess.run([*command, *options], cwd=packages, capture_output=True, text=True, check=False)
    total = re.search(r"Total: \d+ \| Pass: (\d+) \|.*", done.stdout)
    if total is None or not int(total[1]):
        raise SystemExit(f"the validator said nothing of {file.name}: {done.stderr[-2000:]}")
    print(f"{file.name}: {total[0]}")
    return set(re.findall(r"(\S+): FAIL ", done.stdout))


def main() -> int:
    packages = next((ROOT / ".venv-focus").glob("lib/python*/site-packages"), None)  # it looks for a file from there
    if packages is None:
        sys.exit("no .venv-focus here: run `scripts/setup dev` where there is a Python 3.12")
    with tempfile.TemporaryDirectory() as folder:
        wrong = {file.name: failing(packages, file) ^ EXPECTED for file in exported(Path(folder))}
    for name, rules in wrong.items():
        print(f"{name}: {', '.join(sorted(rules)) or 'as expected'}")
    return 1 if any(wrong.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
