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
# The script of the page has run, what it sent is there, and nothing of it is dimmed, turning or a grey place any more.
DRAWN: Final = """() => document.querySelector('[data-test-script-state=notRunning]')
  && document.querySelector('.st-key-headline, [data-testid=stMain] [data-testid=stText]')
  && !document.querySelector('[data-testid=stSkeleton], [data-testid=stSpinner], [data-stale=true]')"""
SAID: Final = """() => document.querySelector('.st-key-headline, .st-key-empty, [data-testid=stText]')"""


def drawn(page: Page, timeout_s: float = 120) -> None:
    """Wait until the page has drawn all it has."""
    page.wait_for_function(DRAWN, timeout=timeout_s * 1000)
