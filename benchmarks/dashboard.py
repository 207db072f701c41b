"""How long the pages take over a ledger, what ten people at once get, and what the dashboard's process holds.

    python -m benchmarks.dashboard --data /path/to/ledger [--people 10] [--clicks 6]

A collector and a dashboard are started on the directory, and a headless Chromium reads the pages. *Said* is the time
from the address to the sentence a page opens with, *drawn* to the last chart and table. *Cold* is a page's first visit
since the dashboard began, *warm* the next in a new tab. The browser runs on the same cores, and takes part of them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.async_api import async_playwright
from tests.support.browser import FLAGS, executable
from tests.support.collector import start_collector
from tests.support.pages import DRAWN, PATHS, SAID

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

WAIT_MS = 180_000


async def visit(page: Page, address: str) -> tuple[float, float]:
    """Seconds until the page said its sentence, and until it had drawn all."""
    begun = time.perf_counter()
    await page.goto(address)
    await page.wait_for_function(SAID, timeout=WAIT_MS)
    said = time.perf_counter() - begun
    await page.wait_for_function(DRAWN, timeout=WAIT_MS)
    return said, time.perf_counter() - begun


async def each_page(browser: Browser, url: str, query: str) -> None:
    print(f"{'page':20} {'cold: said':>11} {'drawn':>7} {'warm: said':>11} {'drawn':>7}  seconds")
    for path in PATHS:
        times = []
        for _ in range(2):
            page = await browser.new_page(viewport={"width": 1280, "height": 800})
            times += await visit(page, f"{url}/{path}?{query}")
            await page.close()
        cold_said, cold, warm_said, warm = times
        print(f"{path or 'overview':20} {cold_said:11.2f} {cold:7.2f} {warm_said:11.2f} {warm:7.2f}", flush=True)


async def person(browser: Browser, url: str, first: int, clicks: int, query: str) -> list[float]:
    """Somebody who goes through the pages, from another one on than the others."""
    page = await browser.new_page(viewport={"width": 1280, "height": 800})
    paths = [PATHS[(first + number) % len(PATHS)] for number in range(clicks)]
    times = [(await visit(page, f"{url}/{path}?{query}"))[0] for path in paths]
    await page.close()
    return times


async def people(browser: Browser, url: str, number: int, clicks: int, query: str) -> None:
    told = await asyncio.gather(*(person(browser, url, who, clicks, query) for who in range(number)))
    times = sorted(seconds for one in told for seconds in one)
    p95 = times[min(len(times) - 1, int(len(times) * 0.95))]
    told_of = f"median {statistics.median(times):.2f} s, p95 {p95:.2f} s, worst {times[-1]:.2f} s"
    print(f"{number} people at once, {len(times)} pages until the sentence: {told_of}")


def rss_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 1e6


async def measure(url: str, pid: int, options: argparse.Namespace) -> None:
    async with async_playwright() as playwright:
        own = playwright.chromium.executable_path
        browser = await playwright.chromium.launch(executable_path=executable(own), args=FLAGS)
        await each_page(browser, url, options.query)
        await people(browser, url, options.people, options.clicks, options.query)
        await browser.close()
    print(f"dashboard process: {rss_mb(pid):.0f} MB resident")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a ledger that no collector has open")
    parser.add_argument("--people", type=int, default=10)
    parser.add_argument("--clicks", type=int, default=6, help="pages that each of them opens")
    parser.add_argument("--query", default="", help="of every page's address, such as range=Last+90+days")
    options = parser.parse_args()
    collector = start_collector(options.data)
    print(f"{collector.rows('totals')[0]['calls']:,} calls")
    command = [sys.executable, "-m", "spanledger_dashboard", "--port", "0", "--json", "--api", collector.api]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as served:
        try:
            assert served.stdout
            ready = json.loads(served.stdout.readline())
            asyncio.run(measure(ready["dashboard"], ready["pid"], options))
        finally:
            served.terminate()
            served.wait(30)
            collector.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
