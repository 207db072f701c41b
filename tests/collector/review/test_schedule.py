import json
import socketserver
import threading
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from tests.support.calls import make_call

from spanledger_collector.api.table import json_text
from spanledger_collector.model import Usage
from spanledger_collector.pricing import Book
from spanledger_collector.review.delivery import FROM, HOOK, SERVER, TO
from spanledger_collector.review.ledger import OwnLedger
from spanledger_collector.review.schedule import FORMS, SCHEDULE, Reviews, planned

STATUS = {"prices": {"version": "genai-prices 0.2.3"}, "demo": False}
MONDAY = datetime(2026, 11, 2, 7, tzinfo=timezone.utc)


@pytest.fixture
def own(ledger):
    call = make_call(Usage(uncached_input=1000, output=100), "2026-10-28T10:00:00Z")
    call.cost = Book().price(call)
    ledger.write([call])
    return OwnLedger(lambda name, params: json_text(ledger.run(name, params)), lambda: STATUS)


class Hook(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def hook():
    server = HTTPServer(("127.0.0.1", 0), Hook)
    server.bodies, server.status = [], 200
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def reviews(own, path, **environment):
    return Reviews(own, planned({SCHEDULE: "weekly,monthly"} | environment, path))


def test_last_week_and_last_month_are_made_once_they_have_settled(own, tmp_path):
    made = reviews(own, tmp_path, **{FORMS: "html,md"})
    made.tick(datetime(2026, 11, 1, 2, tzinfo=timezone.utc))
    assert not (tmp_path / "reviews").exists()
    made.tick(MONDAY)
    names = sorted(path.name for path in (tmp_path / "reviews").iterdir())
    assert names == ["review-2026-10.html", "review-2026-10.md", "review-2026-W44.html", "review-2026-W44.md"]


def test_what_was_made_and_told_is_not_made_and_told_again(own, tmp_path, hook):
    for _ in range(2):
        reviews(own, tmp_path, **{HOOK: f"http://127.0.0.1:{hook.server_port}"}).tick(MONDAY)
    assert sorted(body["text"].splitlines()[0] for body in hook.bodies) == [
        "*LLM spend review, 2026-10*",
        "*LLM spend review, 2026-W44*",
    ]


def test_what_was_not_taken_is_told_again(own, tmp_path, hook):
    made, hook.status = reviews(own, tmp_path, **{HOOK: f"http://127.0.0.1:{hook.server_port}"}), 503
    made.tick(MONDAY)
    hook.status = 200
    made.tick(MONDAY)
    made.tick(MONDAY)
    assert len(hook.bodies) == 4


class Post(socketserver.StreamRequestHandler):
    """Enough of SMTP to take a letter."""

    def handle(self):
        self.wfile.write(b"220 ready\r\n")
        while line := self.rfile.readline():
            if line.upper().startswith(b"DATA"):
                self.wfile.write(b"354 go\r\n")
                letter = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.server.letters.append(letter)
            self.wfile.write(b"221 bye\r\n" if line.upper().startswith(b"QUIT") else b"250 ok\r\n")


def test_the_mail_carries_the_pages(own, tmp_path):
    with socketserver.TCPServer(("127.0.0.1", 0), Post) as server:
        server.letters = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = {TO: "finance@example.com", FROM: "ledger@example.com"}
        reviews(own, tmp_path, **address, **{SERVER: f"smtp://127.0.0.1:{server.server_address[1]}"}).tick(MONDAY)
        server.shutdown()
        thread.join()
    assert len(server.letters) == 2
    assert b"Subject: LLM spend review, 2026-W44" in server.letters[0]
    assert b'filename="review-2026-W44.html"' in server.letters[0]


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({SCHEDULE: "daily"}, "SPANLEDGER_REVIEW='daily' has 'daily'; it is one or more of weekly, monthly"),
        ({SCHEDULE: "weekly", FORMS: "docx"}, "one or more of html, pdf, md, csv"),
        ({SCHEDULE: "weekly", HOOK: "hooks.slack.com/x"}, "SPANLEDGER_REVIEW_SLACK is not an http"),
        ({SCHEDULE: "weekly", TO: "a@b.c"}, "SPANLEDGER_REVIEW_MAIL_TO needs SPANLEDGER_REVIEW_SMTP"),
        ({SCHEDULE: "weekly", TO: "a@b.c", SERVER: "smtp://h"}, "needs SPANLEDGER_REVIEW_MAIL_FROM"),
    ],
)
def test_what_cannot_work_is_refused_with_the_remedy(environment, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        planned(environment, tmp_path)


def test_without_a_schedule_nothing_is_planned(tmp_path):
    assert planned({}, tmp_path) is None
