"""What pricing one call takes, rates kept: the figure the README gives. Run: .venv/bin/python benchmarks/pricing.py"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))  # the made-up calls are the tests'

from tests.support.calls import make_call

from spanledger_collector.model import Usage
from spanledger_collector.pricing import Book

if TYPE_CHECKING:
    from spanledger_collector.model import Call

MODELS = (
    ("openai", "gpt-4.1", ""),
    ("openai", "gpt-5", "batch"),
    ("anthropic", "claude-sonnet-4-5-20250929", ""),
    ("gcp.vertex_ai", "publishers/google/models/gemini-2.5-pro", ""),
    ("aws.bedrock", "us.anthropic.claude-sonnet-4-20250514-v1:0", ""),
    ("deepseek", "deepseek-flash", ""),
    ("openai", "gpt-99-unknown", ""),
)
USAGE = Usage(uncached_input=1856, cache_read=6144, cache_write_5m=100, output=512, reasoning=64)
DAYS = 28


def calls() -> list[Call]:
    """Every model on every day of a month, as a month of calls touches them."""
    return [
        make_call(USAGE, provider=provider, model=model, service_tier=tier, at=f"2026-11-{day:02}T12:00:00Z")
        for day in range(1, DAYS + 1)
        for provider, model, tier in MODELS
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    rounds = parser.parse_args().rounds
    book, month = Book(), calls()
    began = time.perf_counter()
    for call in month:
        book.price(call)
    first = time.perf_counter() - began
    each = statistics.median(_round(book, month) for _ in range(rounds)) / len(month)
    print(f"{each * 1e6:.2f} us a call with kept rates; {first / len(MODELS) * 1e6:.0f} us a model on first sight")


def _round(book: Book, month: list[Call]) -> float:
    began = time.process_time()
    for call in month:
        book.price(call)
    return time.process_time() - began


if __name__ == "__main__":
    main()
