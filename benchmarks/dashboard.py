"""How long the pages take over a ledger, what ten people at once get, and what the dashboard's process holds.

    python -m benchmarks.dashboard --data /path/to/ledger [--people 10] [--clicks 13]

A collector and a dashboard are started on the directory. *Said* is the time until the sentence a page opens with,
*drawn* until its last chart and table.

- One person with a headless Chromium: *cold* is the first visit of a page since the dashboard began, in a browser that
  was never there; *warm* the address again in a browser that was; *click* a link of the navigation in an open tab.
  *Floor* is the same for a Streamlit page of one line of text: what Streamlit and Chromium take by themselves.
- People at once over Streamlit's own wire (``dashboard_wire``): each opens the next page as soon as the last is drawn,
  by links of one tab, and in a new tab each time. This is what the dashboard and the collector take, and no browser.
- The same people as ten Chromiums on the same cores: mostly a measure of Chromium, given beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import dashboard_wire as wire
from playwright.async_api import async_playwright
from tests.support.browser import FLAGS, executable
from tests.support.collector import start_collector
from tests.support.pages import DRAWN, PATHS, SAID

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.async_api import Browser, ElementHandle, Page, ViewportSize

WAIT_MS = 180_000
SCREEN: ViewportSize = {"width": 1280, "height": 800}
FLOOR = "import streamlit as st\nst.text('floor')\n"
LINK = "a[data-testid=stTopNavDropdownLink]"
# A new page says something else than the one before, or is drawn whole.
MOVED = f"""([path, before]) => {{
  const said = document.querySelector('.st-key-headline, .st-key-empty, [data-testid=stText]')
  return location.pathname === path && ((said && said.innerText !== before) || ({DRAWN})())
}}"""


async def visit(page: Page, address: str) -> tuple[float, float]:
    """Seconds until the page said its sentence, and until it had drawn all."""
    begun = time.perf_counter()
    await page.goto(address)
    await page.wait_for_function(SAID)
    said = time.perf_counter() - begun
    await page.wait_for_function(DRAWN)
    return said, time.perf_counter() - begun


async def _tab(browser: Browser) -> Page:
    """In a browser window of its own, with empty caches."""
    page = await browser.new_page(viewport=SCREEN)
    page.set_default_timeout(WAIT_MS)
    return page


async def fresh(browser: Browser, address: str) -> tuple[float, float]:
    """A visit in a browser that holds nothing of the dashboard yet."""
    page = await _tab(browser)
    times = await visit(page, address)
    await page.context.close()
    return times


async def click(page: Page, path: str) -> tuple[float, float]:
    """A link of the navigation in an open tab: seconds from the click on it."""
    link = await _link(page, path)
    before = await page.evaluate(f"({SAID})()?.innerText")
    begun = time.perf_counter()
    await link.click()
    await page.wait_for_function(MOVED, arg=[f"/{path}", before])
    said = time.perf_counter() - begun
    await page.wait_for_function(DRAWN)
    return said, time.perf_counter() - begun


async def _link(page: Page, path: str) -> ElementHandle:
    """The link to a page, in the list of its section, which is then open."""
    for section in await page.query_selector_all("[data-testid=stTopNavSection]"):
        await section.click()
        await page.wait_for_selector(LINK)
        if link := await page.query_selector(f"{LINK}[href$='/{path}']"):
            return link
        await page.keyboard.press("Escape")
        await page.wait_for_selector(LINK, state="detached")
    raise RuntimeError(f"the navigation has no link to {path!r}")


async def each_page(browser: Browser, url: str, query: str) -> None:
    print(f"{'seconds':20}" + "".join(f" {how + ': said':>11} {'drawn':>7}" for how in ("cold", "warm", "click")))
    cold = {path: await fresh(browser, f"{url}/{path}?{query}") for path in PATHS}
    tab = await _tab(browser)
    await visit(tab, f"{url}/trace")
    warm = {path: await visit(tab, f"{url}/{path}?{query}") for path in PATHS}
    clicked = {path: await click(tab, path) for path in PATHS}
    await tab.context.close()
    for path in PATHS:
        print(_line(path or "overview", (*cold[path], *warm[path], *clicked[path])), flush=True)


def _line(name: str, seconds: Sequence[float]) -> str:
    return f"{name:20} " + " ".join(f"{s:{11 - 4 * (number % 2)}.2f}" for number, s in enumerate(seconds))


async def floor(browser: Browser) -> None:
    """What a page of one line takes, in the same browser on the same machine."""
    with _empty_app() as url:
        async with wire.Tab(url, "") as first:
            await first.open("")
        cold = await fresh(browser, url)
        tab = await _tab(browser)
        await visit(tab, url)
        warm = await visit(tab, url)
        await tab.context.close()
    print(_line("floor: one line", (*cold, *warm)), flush=True)


@contextmanager
def _empty_app() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    flags = ["--server.headless=true", "--browser.gatherUsageStats=false", "--server.fileWatcherType=none"]
    where = ["--server.address=127.0.0.1", f"--server.port={port}"]
    with tempfile.TemporaryDirectory() as folder:
        app = Path(folder, "floor.py")
        app.write_text(FLOOR)
        command = [sys.executable, "-m", "streamlit", "run", str(app), *flags, *where]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=folder) as served:
            try:
                wire.wait_until_served(f"http://127.0.0.1:{port}")
                yield f"http://127.0.0.1:{port}"
            finally:
                served.terminate()
                served.wait(30)


def routes(people: int, clicks: int) -> list[list[str]]:
    """The pages that each goes through, everybody from another one on."""
    return [[PATHS[(who + number) % len(PATHS)] for number in range(clicks)] for who in range(people)]


async def over_the_wire(url: str, options: argparse.Namespace, pids: dict[str, int]) -> None:
    for links, how in ((True, "by links of one tab"), (False, "each in a new tab")):
        before, begun, own = {name: cpu_s(pid) for name, pid in pids.items()}, time.perf_counter(), time.process_time()
        ways = routes(options.people, options.clicks)
        told = await asyncio.gather(*(wire.person(url, way, options.query, links=links) for way in ways))
        wall, visits = time.perf_counter() - begun, [visit for person in told for visit in person]
        used = {name: cpu_s(pid) - before[name] for name, pid in pids.items()} | {"people": time.process_time() - own}
        print(f"{options.people} people at once over the wire, {how}, {len(visits)} pages in {wall:.1f} s")
        print(f"  until the sentence: {spread([visit.said for visit in visits])}")
        print(f"  until it is drawn:  {spread([visit.drawn for visit in visits])}")
        print("  CPU a page: " + ", ".join(f"{name} {s / len(visits):.3f} s" for name, s in used.items()), flush=True)


async def browsing(browser: Browser, url: str, way: list[str], query: str) -> list[float]:
    page = await _tab(browser)
    times = [(await visit(page, f"{url}/{path}?{query}"))[0] for path in way]
    await page.context.close()
    return times


async def with_browsers(browser: Browser, url: str, options: argparse.Namespace) -> None:
    ways = routes(options.people, options.browser_clicks)
    told = await asyncio.gather(*(browsing(browser, url, way, options.query) for way in ways))
    times = [seconds for one in told for seconds in one]
    print(f"{options.people} browsers at once on these cores, {len(times)} pages until the sentence: {spread(times)}")


def spread(seconds: Sequence[float]) -> str:
    times = sorted(seconds)
    p95 = times[min(len(times) - 1, int(len(times) * 0.95))]
    return f"median {statistics.median(times):.2f} s, p95 {p95:.2f} s, worst {times[-1]:.2f} s"


def cpu_s(pid: int) -> float:
    """Seconds of CPU that a process took so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 1e6


async def measure(url: str, pids: dict[str, int], options: argparse.Namespace) -> None:
    async with async_playwright() as playwright:
        own = playwright.chromium.executable_path
        browser = await playwright.chromium.launch(executable_path=executable(own), args=FLAGS)
        await each_page(browser, url, options.query)
        await floor(browser)
        await over_the_wire(url, options, pids)
        print(f"dashboard process: {rss_mb(pids['dashboard']):.0f} MB resident", flush=True)
        await with_browsers(browser, url, options)
        await browser.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a ledger that no collector has open")
    parser.add_argument("--people", type=int, default=10)
    parser.add_argument("--clicks", type=int, default=len(PATHS), help="pages that each of them opens over the wire")
    parser.add_argument("--browser-clicks", type=int, default=3, help="pages that each browser opens")
    parser.add_argument("--query", default="", help="of every page's address, such as range=Last+90+days")
    options = parser.parse_args()
    collector = start_collector(options.data)
    print(f"{collector.rows('totals')[0]['calls']:,} calls")
    command = [sys.executable, "-m", "spanledger_dashboard", "--port", "0", "--json", "--api", collector.api]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as served:
        try:
            assert served.stdout
            ready = json.loads(served.stdout.readline())
            pids = {"dashboard": int(ready["pid"]), "collector": collector.process.pid}
            asyncio.run(measure(ready["dashboard"], pids, options))
        finally:
            served.terminate()
            served.wait(30)
            collector.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
