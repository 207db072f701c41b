import sys

import pytest
from playwright.sync_api import sync_playwright
from tests.support.browser import executable

from spanledger_collector.review import pdf

PAGE = "<!doctype html><html><head><title>t</title></head><body><h1>one</h1></body></html>"


def test_weasyprint_makes_the_pdf():
    assert pdf.printed(PAGE).startswith(b"%PDF-")


def test_the_pdf_fetches_nothing(tmp_path, caplog):
    (tmp_path / "secret.css").write_text("h1 { color: red }")
    asked = PAGE.replace("<title>", f'<link rel="stylesheet" href="{(tmp_path / "secret.css").as_uri()}"><title>')
    assert pdf.printed(asked).startswith(b"%PDF-")
    assert "secret.css" in caplog.text
    assert "Failed to load" in caplog.text


def test_without_weasyprint_a_chromium_does(monkeypatch):
    with sync_playwright() as playwright:
        browser = executable(playwright.chromium.executable_path)
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    monkeypatch.setenv(pdf.CHROMIUM, browser)
    assert pdf.printed(PAGE).startswith(b"%PDF-")


def test_a_browser_that_makes_none_is_told_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    monkeypatch.setenv(pdf.CHROMIUM, "/bin/false")
    with pytest.raises(pdf.NoPrinter, match=r"/bin/false made no PDF.*spanledger\[pdf\]"):
        pdf.printed(PAGE)
