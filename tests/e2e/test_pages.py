"""Every page in a real browser over a real collector: drawn, equal to the API, linked, accessible, quiet."""

from __future__ import annotations

import csv
import urllib.request
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from tests.support.browser import Watched
from tests.support.collector import Collector, start_collector
from tests.support.dashboard import dashboard
from tests.support.otlp import body, chat_span
from tests.support.pages import PATHS, drawn

from spanledger_collector.review import focus
from spanledger_dashboard.format import money

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

MODELS = ("gpt-4.1", "gpt-4.1-mini-2025-04-14", "acme-large-preview")
STREAMLITS_MENU = "[data-testid=stSidebarNavItems]"  # on a phone: a list of sections, which are no list items
PHONE, LAPTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 800}


@dataclass
class Served:
    collector: Collector
    url: str
    trace: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Calls of three models and three services, one of them unpriced."""
    collector = start_collector(tmp_path_factory.mktemp("pages") / "ledger")
    try:
        for number in range(9):
            model = MODELS[number % 3]
            span = chat_span(gen_ai__request__model=model, gen_ai__response__model=model)
            request = urllib.request.Request(
                collector.otlp_http + "/v1/traces", body(span, service=f"service-{number % 3}")
            )
            request.add_header("Content-Type", "application/x-protobuf")
            urllib.request.urlopen(request, timeout=30).close()
        collector.wait_for_calls(9)
        with dashboard(collector.api) as url:
            yield Served(collector, url, collector.rows("latest_calls")[0]["trace_id"])
    finally:
        collector.stop()


@pytest.fixture(scope="module", params=["light", "dark"])
def themed(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Watched]:
    """One tab for all pages of a theme: what a reader does."""
    context = browser.new_context(viewport=LAPTOP, color_scheme=request.param)
    yield Watched(context.new_page())
    context.close()


def opened(served: Served, watched: Watched, path: str) -> None:
    query = f"?trace_id={served.trace}" if path == "trace" else ""
    watched.page.goto(f"{served.url}/{path}{query}")
    drawn(watched.page)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path or "overview")
def test_a_page_is_drawn_without_complaint_and_accessible(served: Served, themed: Watched, path: str) -> None:
    themed.complaints.clear()
    opened(served, themed, path)
    expect(themed.page.get_by_test_id("stException")).to_have_count(0)
    expect(themed.page.locator(".st-key-unreadable, .st-key-empty")).to_have_count(0)
    assert serious(themed) == []
    assert themed.complaints == []
    assert themed.page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= LAPTOP["width"]


def serious(watched: Watched) -> list[str]:
    """What axe finds of serious or critical impact: the rule, and the first element it names."""
    found = Axe().run(watched.page, {"exclude": [STREAMLITS_MENU]}).response["violations"]
    return [
        f"{each['id']}: {node['target']} {node['html'][:160]}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"][:3]
    ]


def test_the_pages_say_the_api_s_own_numbers(served: Served, watched: Watched) -> None:
    total = served.collector.rows("totals")[0]
    spend = money(Decimal(total["cost_usd"]))
    opened(served, watched, "")
    metric = watched.page.get_by_test_id("stMetric").filter(has=watched.page.get_by_text("Spend", exact=True))
    expect(metric.get_by_test_id("stMetricValue")).to_have_text(spend)
    for path in ("spend", "calls"):
        opened(served, watched, path)
        expect(watched.page.locator(".st-key-headline")).to_contain_text(spend)
    opened(served, watched, "review")
    review = served.collector.get("/api/v1/review")
    expect(watched.page.locator(".st-key-headline")).to_contain_text(review["headline"])
    opened(served, watched, "models")
    unpriced = served.collector.rows("unpriced")
    expect(watched.page.locator(".st-key-headline")).to_contain_text(f"for {unpriced[0]['calls']} calls")


def test_a_link_shows_the_same_page(served: Served, watched: Watched) -> None:
    watched.page.goto(f"{served.url}/spend?bars=service&split=model&service=service-1&zone=UTC&range=Last+30+days")
    drawn(watched.page)
    spend = served.collector.rows("totals", service="service-1")[0]["cost_usd"]
    expect(watched.page.locator(".st-key-headline")).to_contain_text(money(Decimal(spend)))
    expect(watched.page.get_by_text("Spend by service and model")).to_be_visible()
    watched.page.goto(f"{served.url}/review?shown-by=model")
    drawn(watched.page)
    expect(watched.page.get_by_role("radio", name="model", exact=True)).to_be_checked()
    expect(watched.page.get_by_role("radio", name="team", exact=True)).not_to_be_checked()


def test_the_pack_comes_as_a_file(served: Served, watched: Watched) -> None:
    opened(served, watched, "review")
    with watched.page.expect_download(timeout=120_000) as download:
        watched.page.get_by_role("button", name="HTML").click()
    text = download.value.path().read_text()
    assert download.value.suggested_filename.startswith("review-")
    assert served.collector.get("/api/v1/review")["headline"].split(",")[0] in text


@pytest.mark.parametrize(
    ("button", "media", "ending"), [("PDF to print", "application/pdf", ".pdf"), ("FOCUS", "text/csv", "-focus.csv")]
)
def test_the_pack_is_what_its_button_says(
    served: Served, watched: Watched, button: str, media: str, ending: str
) -> None:
    opened(served, watched, "review")
    with watched.page.expect_download(timeout=240_000) as download:
        watched.page.get_by_role("button", name=button).click()
    with urllib.request.urlopen(download.value.url, timeout=60) as reply:
        assert reply.headers.get_content_type() == media
        data = reply.read()
    assert data == download.value.path().read_bytes()
    assert download.value.suggested_filename.endswith(ending)
    if media == "application/pdf":
        assert data.startswith(b"%PDF-")
        assert data.rstrip().endswith(b"%%EOF")
        table = int(data[data.rindex(b"startxref") :].split()[1])  # where a reader begins
        assert data[table : table + 4] == b"xref" or b"/XRef" in data[table : table + 300]
    else:
        rows = list(csv.DictReader(data.decode().splitlines()))
        assert tuple(rows[0]) == focus.columns()
        spent = Decimal(served.collector.rows("totals")[0]["cost_usd"])
        assert sum(Decimal(row["BilledCost"]) for row in rows) == spent


def test_a_number_leads_to_the_calls_behind_it(served: Served, watched: Watched) -> None:
    opened(served, watched, "")
    link = watched.page.get_by_role("link", name="of unknown price")
    watched.page.goto(f"{served.url}/{link.first.get_attribute('href')}")
    drawn(watched.page)
    expect(watched.page.get_by_text("3 calls found, all that match in this time.")).to_be_visible()
    assert watched.page.get_by_role("textbox", name="Search the calls").input_value() == 'cost_grade="unknown"'
    assert watched.complaints == []


def test_alerts_fit_a_phone(served: Served, watched: Watched) -> None:
    watched.page.set_viewport_size(PHONE)
    opened(served, watched, "alerts")
    assert watched.page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= PHONE["width"]
    assert serious(watched) == []
