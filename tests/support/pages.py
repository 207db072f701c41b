"""The dashboard's pages by path, with what tells that one is drawn; for tests, pictures and benchmarks alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.sync_api import Page

PATHS: Final = (
    "",  # the overview
    "findings",
    "alerts",
    "anomalies",
    "spend",
    "review",
    "models",
    "reliability",
    "prompt-cache",
    "structured-output",
    "calls",
    "trace",
    "status",
)
# Streamlit's widget in the corner is there while a page is being drawn; charts draw once they are in sight.
DRAWN: Final = """() => document.querySelector('.st-key-headline, [data-testid=stText]')
  && !document.querySelector('[data-testid=stStatusWidget], [data-testid=stSpinner], [data-stale=true]')"""


SAID: Final = """() => document.querySelector('.st-key-headline, .st-key-empty, [data-testid=stText]')"""


def drawn(page: Page, timeout_s: float = 120) -> None:
    """Wait until the page has drawn all it has."""
    page.wait_for_function(DRAWN, timeout=timeout_s * 1000)
