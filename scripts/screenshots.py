#!/usr/bin/env python
"""Photograph every page of a running dashboard into docs/images, in both themes; alerts also as on a phone.

Usage: scripts/screenshots.py [URL] [--out FOLDER]. Meant for `make demo`, whose ledger is alike every time.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # the browser and the list of pages are the tests'

from playwright.sync_api import Error  # noqa: E402 - after the path
from tests.support.browser import NoBrowser, chromium  # noqa: E402 - the same
from tests.support.pages import PATHS, drawn  # noqa: E402 - the same

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LAPTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
SETTLED_MS = 1_500  # charts and canvas tables draw after their elements exist
QUERIES = {"anomalies": "span=Last+7+days"}


def main() -> int:
    parser = argparse.ArgumentParser(description="Photograph the pages of a running dashboard in both themes.")
    parser.add_argument("url", nargs="?", default="http://127.0.0.1:8501", help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/images", help="default: docs/images")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        with chromium() as browser:
            for theme in ("light", "dark"):
                photograph(browser, options.url.rstrip("/"), theme, options.out)
    except (NoBrowser, Error, AssertionError) as error:
        print(f"no pictures of {options.url}: {error}", file=sys.stderr)
        return 1
    return 0


def photograph(browser: Browser, url: str, theme: str, folder: Path) -> None:
    """All pages in one theme."""
    page = browser.new_page(viewport=LAPTOP, color_scheme=theme)
    queries = QUERIES | {"trace": trace(page, url)}
    for path in PATHS:
        take(page, f"{url}/{path}?{queries.get(path, '')}", folder / f"{path or 'overview'}-{theme}.png")
    page.set_viewport_size(PHONE)
    take(page, f"{url}/alerts", folder / f"alerts-phone-{theme}.png")
    page.close()


def trace(page: Page, url: str) -> str:
    """The query that opens the first trace a finding names: the demo's month always has some."""
    page.goto(f"{url}/findings?range=Last+90+days")
    drawn(page)
    links = page.locator('a[href*="trace_id="]')
    return str(links.first.get_attribute("href")).partition("?")[2]


def take(page: Page, address: str, file: Path) -> None:
    page.goto(address)
    drawn(page)
    page.wait_for_timeout(SETTLED_MS)
    page.screenshot(path=file)
    print(file)


if __name__ == "__main__":
    sys.exit(main())
