#!/usr/bin/env python
"""Photograph the pages of a running dashboard into docs/images, in both themes.

Usage: scripts/screenshots.py [URL] [--out FOLDER]. Meant for `make demo`, whose ledger is alike every time.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # the browser fixture is the tests'

from playwright.sync_api import Error, expect  # noqa: E402 - after the path
from tests.support.browser import NoBrowser, chromium  # noqa: E402 - the same

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAGES = {"overview": ("", "Latest calls")}  # file name: (path, a heading that is drawn last)
SIZE = {"width": 1280, "height": 800}
SETTLED_MS = 1_500  # charts and canvas tables draw after their elements exist


def main() -> int:
    parser = argparse.ArgumentParser(description="Photograph the pages of a running dashboard in both themes.")
    parser.add_argument("url", nargs="?", default="http://127.0.0.1:8501", help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/images", help="default: docs/images")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        with chromium() as browser:
            for theme in ("light", "dark"):
                for name in PAGES:
                    print(photograph(browser, options.url.rstrip("/"), name, theme, options.out))
    except (NoBrowser, Error, AssertionError) as error:
        print(f"no pictures of {options.url}: {error}", file=sys.stderr)
        return 1
    return 0


def photograph(browser: Browser, url: str, name: str, theme: str, folder: Path) -> Path:
    """One page in one theme, twice as sharp as it is large."""
    path, last_heading = PAGES[name]
    page = browser.new_page(viewport=SIZE, color_scheme=theme, device_scale_factor=2)
    try:
        page.goto(f"{url}/{path}")
        expect(page.get_by_role("heading", name=last_heading)).to_be_visible(timeout=60_000)
        page.wait_for_timeout(SETTLED_MS)
        file = folder / f"{name}-{theme}.png"
        page.screenshot(path=file)
    finally:
        page.close()
    return file


if __name__ == "__main__":
    sys.exit(main())
