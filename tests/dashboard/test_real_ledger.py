"""The pages in a real browser, over the real API, of a real collector's ledger."""

from __future__ import annotations

import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect
from tests.support.api_rows import HOSTILE
from tests.support.collector import Collector, start_collector
from tests.support.dashboard import dashboard
from tests.support.otlp import body, chat_span

from spanledger_dashboard.format import money

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Locator, Page
    from tests.support.browser import Watched

MINI, UNPRICED = "gpt-4.1-mini-2025-04-14", "acme-large-preview"


@dataclass
class Served:
    """A collector with calls in it and the address of its pages."""

    collector: Collector
    url: str

    def send(self, **attributes: Any) -> None:
        service = attributes.pop("service", "checkout")
        request = urllib.request.Request(
            self.collector.otlp_http + "/v1/traces", body(chat_span(**attributes), service=service)
        )
        request.add_header("Content-Type", "application/x-protobuf")
        urllib.request.urlopen(request, timeout=30).close()

    def cost(self, **filters: str) -> str:
        """What the API says it cost, as a page says it."""
        cost = self.collector.rows("totals", **filters)[0]["cost_usd"]
        return money(None if cost is None else Decimal(cost))


@contextmanager
def three_calls(data: Path) -> Iterator[Served]:
    collector = start_collector(data)
    try:
        with dashboard(collector.api) as url:
            ledger = Served(collector, url)
            ledger.send()
            ledger.send(gen_ai__response__model=MINI)
            ledger.send(gen_ai__response__model=UNPRICED, gen_ai__request__model=UNPRICED)
            collector.wait_for_calls(3)
            yield ledger
    finally:
        collector.stop()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A ledger that tests only read."""
    with three_calls(tmp_path_factory.mktemp("shared") / "ledger") as ledger:
        yield ledger


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A ledger of the test's own, to add to or to kill."""
    with three_calls(tmp_path / "ledger") as ledger:
        yield ledger


def figure(page: Page, title: str) -> Locator:
    return (
        page.get_by_test_id("stMetric").filter(has=page.get_by_text(title, exact=True)).get_by_test_id("stMetricValue")
    )


def test_the_page_shows_the_total_of_the_api_and_complains_about_nothing(shared: Served, watched: Watched) -> None:
    watched.page.goto(shared.url)
    expect(figure(watched.page, "Spend")).to_have_text(shared.cost(), timeout=120_000)
    expect(watched.page.get_by_text("+ 1 call of unknown price")).to_be_visible()
    expect(
        watched.page.locator("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg")
    ).to_have_count(2)
    assert watched.complaints == []


def test_a_link_is_a_view_and_a_choice_is_a_link(shared: Served, watched: Watched) -> None:
    watched.page.goto(f"{shared.url}/?model={MINI}")
    expect(figure(watched.page, "Spend")).to_have_text(shared.cost(model=MINI), timeout=120_000)
    watched.page.get_by_role("button", name="Clear", exact=False).click()
    expect(figure(watched.page, "Spend")).to_have_text(shared.cost())
    expect(watched.page).not_to_have_url(f"{shared.url}/?model={MINI}")
    watched.page.get_by_role("radio", name="service").click()
    expect(watched.page.get_by_role("heading", name="Spend by service")).to_be_visible()
    assert "by=service" in watched.page.url


def test_a_view_of_unpriced_calls_is_unknown_and_never_zero(shared: Served, watched: Watched) -> None:
    watched.page.goto(f"{shared.url}/?model={UNPRICED}")
    expect(figure(watched.page, "Spend")).to_have_text("unknown", timeout=120_000)
    expect(watched.page.get_by_text("none with a known price")).to_be_visible()


def test_a_new_call_appears_without_a_reload(served: Served, watched: Watched) -> None:
    watched.page.goto(served.url)
    expect(figure(watched.page, "Calls")).to_have_text("3", timeout=120_000)
    served.send()
    expect(figure(watched.page, "Calls")).to_have_text("4", timeout=120_000)
    expect(figure(watched.page, "Spend")).to_have_text(served.cost())


def test_when_the_collector_falls_silent_the_figures_stay_and_the_page_says_so(
    served: Served, watched: Watched
) -> None:
    watched.page.goto(served.url)
    expect(watched.page.get_by_role("heading", name="Latest calls")).to_be_visible(timeout=120_000)
    served.collector.kill()
    expect(watched.page.get_by_text("The collector has not answered since")).to_be_visible(timeout=120_000)
    expect(figure(watched.page, "Calls")).to_have_text("3")


def test_names_that_services_send_stay_text(served: Served, watched: Watched) -> None:
    for name in filter(None, HOSTILE):
        served.send(service=name[:1000], gen_ai__response__model=name[:1000], spanledger__tag__team=name[:1000])
    served.collector.wait_for_calls(2 + len(HOSTILE))
    watched.page.goto(served.url)
    expect(figure(watched.page, "Calls")).to_have_text(str(2 + len(HOSTILE)), timeout=120_000)
    watched.page.get_by_role("button", name="Team").click()
    expect(watched.page.locator("img[src=x], a[href^=javascript], a[href*='evil.example']")).to_have_count(0)
    assert "owned" not in watched.page.title()
    assert watched.complaints == []


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_is_never_wider_than_the_screen(shared: Served, watched: Watched, width: int) -> None:
    watched.page.set_viewport_size({"width": width, "height": 844})
    watched.page.goto(shared.url)
    expect(figure(watched.page, "Calls")).to_be_visible(timeout=120_000)
    assert watched.page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= width


def test_an_empty_ledger_shows_the_command_and_then_the_first_call(tmp_path: Path, watched: Watched) -> None:
    collector = start_collector(tmp_path / "ledger")
    try:
        with dashboard(collector.api) as url:
            watched.page.goto(url)
            expect(watched.page.get_by_text("spanledger run python app.py")).to_be_visible(timeout=120_000)
            Served(collector, url).send()
            expect(figure(watched.page, "Calls")).to_have_text("1", timeout=120_000)
    finally:
        collector.stop()
