"""A headless Chromium for page tests: the system's, else Playwright's own. A missing one is a failure, not a skip."""

from __future__ import annotations

import re
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
REMEDY = (
    f"No browser for the page tests: none of {', '.join(NAMES)} is on PATH and Playwright has not installed its own. "
    "Run `scripts/browser`, or `apt-get install chromium libatomic1`, or `python -m playwright install chromium`."
)
# No sandbox: in containers the tests run as root, and /dev/shm is too small for a page. The others keep Chromium from
# calling its vendor.
FLAGS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
]
expect.set_options(timeout=60_000)  # milliseconds: a page is drawn late on a busy machine, and that is no fault of it


PROBE = re.compile(r"http://127\.0\.0\.1:\d+/[a-z-]+/_stcore/(health|host-config)")


class NoBrowser(RuntimeError):
    """There is no Chromium; the text says how to get one."""


def executable(own: str) -> str:
    """Path of a Chromium; `own` is where Playwright would have put its own."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found or Path(own).exists():
        return found or own
    raise NoBrowser(REMEDY)


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable(playwright.chromium.executable_path), args=FLAGS
        )
        try:
            yield browser
        finally:
            browser.close()


# Not for the session: an open Playwright keeps an event loop running, and no test of another module could have its own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


class Watched:
    """A page and what went wrong in it: console errors, uncaught exceptions, requests beyond this machine."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(f"exception: {error}"))
        page.on("request", lambda request: self._asked(request.url))

    def _heard(self, said: ConsoleMessage) -> None:
        # Below a page's own path Streamlit looks for its server there first, and then at the root.
        probe = PROBE.fullmatch(said.location["url"]) and "404" in said.text
        if said.type == "error" and not probe:
            self.complaints.append(f"console: {said.text} ({said.location['url']})")

    def _asked(self, url: str) -> None:
        if not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")):
            self.complaints.append(f"request beyond this machine: {url}")


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    """A fresh page at laptop size."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    try:
        yield Watched(context.new_page())
    finally:
        context.close()


def main() -> int:
    """Start it once, to know that it starts."""
    try:
        with chromium() as running:
            print(running.version)
    except NoBrowser as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
