"""The HTML document as PDF: by WeasyPrint where it is installed, else by a Chromium of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

CHROMIUM: Final = "SPANLEDGER_CHROMIUM"
_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "chrome")
_TIMEOUT_S: Final = 120
_REMEDY: Final = (
    "a PDF needs WeasyPrint (pip install 'spanledger[pdf]'; on Debian also apt-get install libpango-1.0-0 "
    f"libpangoft2-1.0-0 libharfbuzz-subset0) or a Chromium on PATH or named by {CHROMIUM}; "
    "--format html prints the same pages from a browser"
)


class NoPrinter(Exception):
    """Nothing here can make a PDF; the text names the remedies."""


def printed(document: str) -> bytes:
    """Raises NoPrinter."""
    try:
        from weasyprint import HTML  # type: ignore[import-untyped,import-not-found,unused-ignore]
        from weasyprint.urls import URLFetcher  # type: ignore[import-untyped,import-not-found,unused-ignore]
    except (ImportError, OSError) as error:  # OSError: Pango is missing
        return _by_browser(document, error)
    # The document is self-contained: whatever asks for more, a file or a host, was put there by somebody.
    made: bytes = HTML(string=document, url_fetcher=URLFetcher(allowed_protocols=())).write_pdf()
    return made


def _by_browser(document: str, reason: Exception) -> bytes:
    browser = os.environ.get(CHROMIUM) or next(filter(None, map(shutil.which, _BROWSERS)), None)
    if not browser:
        raise NoPrinter(f"{_REMEDY} ({reason})") from reason
    with tempfile.TemporaryDirectory() as folder:
        page, made = Path(folder) / "review.html", Path(folder) / "review.pdf"
        page.write_text(document, encoding="utf-8")
        sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        profile = f"--user-data-dir={folder}/profile"
        command = [
            browser,
            "--headless",
            "--disable-gpu",
            *sandbox,
            profile,
            "--no-pdf-header-footer",
            f"--print-to-pdf={made}",
            page.as_uri(),
        ]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_TIMEOUT_S)  # noqa: S603 - the user's own browser
            return made.read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            raise NoPrinter(f"{browser} made no PDF ({error}); {_REMEDY}") from error
