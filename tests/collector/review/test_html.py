import json
import re
from html.parser import HTMLParser

import pytest
from tests.support.calls import make_call

from spanledger_collector.model import Cost, Usage
from spanledger_collector.pricing import Book
from spanledger_collector.review import pdf
from spanledger_collector.review.command import main

BOOK = Book()
HOSTILE = '</td><script>alert(1)</script><img src="http://evil.example/x">\u202e"&\n<!channel>'


def priced(at: str, **fields):
    call = make_call(Usage(uncached_input=1000, cache_read=500, output=200, reasoning=50), at, **fields)
    call.cost = BOOK.price(call)
    return call


@pytest.fixture
def october(ledger):
    ledger.write([priced(f"2026-09-{day:02}T10:00:00Z", team="search", feature="rank") for day in range(1, 31)])
    ledger.write([priced(f"2026-10-{day:02}T10:00:00Z", team="search", feature="rank") for day in range(1, 32)] * 2)
    ledger.write([priced("2026-10-03T10:00:00Z", team=HOSTILE, feature=HOSTILE, service=HOSTILE, attempts=2)])
    return ledger


def made(api, capsys, *arguments: str) -> str:
    asked = ["--period", "2026-10", "--now", "2026-11-02T00:00:00Z"]
    assert main(["review", "--api", api, *asked, *arguments]) == 0
    return capsys.readouterr().out


class Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open, self.tags, self.references = [], set(), []

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.references += [value for name, value in attributes if name in {"src", "href", "srcset", "data"}]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_document_is_one_file_without_a_script_whatever_names_are(api, october, capsys):
    document = made(api, capsys, "--format", "html")
    seen = Seen()
    seen.feed(document)
    assert (seen.open, seen.references) == ([], [])
    assert {"script", "img", "link", "iframe", "object"} & seen.tags == set()
    assert "\u202e" not in document
    assert not re.search(r"url\(|@import", document)


def test_page_one_answers_the_meeting(api, october, capsys):
    document = made(api, capsys, "--format", "html")
    asked = ("Why did it change?", "Who?", "Where will it land?", "What should we do?", "Can I trust it?")
    assert [document.index(question) for question in asked] == sorted(document.index(question) for question in asked)
    assert "LLM spend is $0.2" in document
    assert "volume" in document
    assert "genai-prices 0.2.3" in document


def test_a_review_can_be_of_one_team(api, october, capsys):
    document = made(api, capsys, "--format", "html", "--team", "search")
    assert "team search" in document
    assert "evil.example" not in document


def test_poor_coverage_takes_the_bridge_away_and_says_why(api, october, capsys):
    october.write([make_call(Usage(output=5), "2026-10-05T00:00:00Z", cost=Cost(None, reason="no price"))] * 30)
    document = made(api, capsys, "--format", "html")
    assert "The bridge is not shown: only 67" in document
    assert "Bridge by team" not in document


def test_an_empty_period_has_one_page_that_says_so(api, ledger, capsys):
    document = made(api, capsys, "--format", "html")
    assert "No calls are recorded in 2026-10" in document
    assert "appendix" not in document.partition("</style>")[2]


def test_a_message_mentions_nobody(api, october, capsys):
    text = json.loads(made(api, capsys, "--format", "slack"))["text"]
    assert text.startswith("*LLM spend review, 2026-10*\nLLM spend is $0.2")
    assert "<" not in text


def test_without_a_printer_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "weasyprint", None)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv(pdf.CHROMIUM, raising=False)
    with pytest.raises(pdf.NoPrinter, match=r"pip install 'spanledger\[pdf\]'.*--format html"):
        pdf.printed("<p>")
