"""Threads in which answers are made, so that a slow query never holds up the event loop that also accepts spans."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

THREADS: Final = 4
WAITING: Final = 32

Answer = TypeVar("Answer")


class Busy(Exception):
    """So many answers are waiting that one more would only wait too."""


class Workers:
    """At most ``threads`` answers at a time and WAITING behind them. Used from one event loop."""

    def __init__(self, threads: int = THREADS) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="spanledger-api")
        self._most = threads + WAITING
        self._under_way = 0

    async def run(self, make: Callable[[], Answer]) -> Answer:
        """Raises Busy, and what ``make`` raises."""
        if self._under_way >= self._most:
            raise Busy(f"{self._under_way} queries are under way or waiting; ask again in a few seconds")
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, make)
        finally:
            self._under_way -= 1
