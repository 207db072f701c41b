"""What a search finds and what it does not, on a real store, and what it refuses."""

import pytest
from tests.support.calls import NOON, make_call, make_span, nanoseconds

from spanledger_collector.queries import BadParameter, search

NOON_NS = nanoseconds(NOON)
TRACE, SPAN = bytes.fromhex("d4ae94b44ac076460cdb6f435ba7bd14"), bytes.fromhex("cceb757d56ec731a")
RICH = {
    "trace_id": TRACE,
    "span_id": SPAN,
    "service": "support-desk",
    "provider": "anthropic",
    "model": "claude-haiku-4-5",
    "response_id": "msg_01ABC",
    "outcome": "error",
    "error_type": "RateLimitError",
    "http_status": 429,
    "attempts": 3,
    "stream": True,
    "conversation": "conv-77",
    "prompt_name": "first draft",
    "prompt_version": "v12",
    "feature": "summaries",
    "team": "Größe",
    "user": "ada@example.com",
    "tags": {"customer": "Acme & Söhne", "plan": "pro"},
    "code_file": "/srv/app/desk.py",
    "code_line": 41,
    "code_function": "answer",
}
ATTRIBUTES = {"app.plan": "gold", "app.note": 'it\'s 100% "ok"\\', "app.größe": "日本", "spanledger.tag.plan": "pro"}


@pytest.fixture(scope="module")
def found(opened):
    """How many of a rich call and two plain ones a search finds: the rich one's or nothing."""
    plain = [make_call(span_id=bytes([n] * 8), trace_id=bytes([n] * 16), start_ns=NOON_NS + n) for n in (1, 2)]
    spans = [make_span({"app.plan": "silver", "app.only": "1"}, span_id=call.span_id) for call in plain]
    rich = make_span(ATTRIBUTES, trace_id=TRACE, span_id=SPAN, resource={"host.name": "web-3"})
    opened.write([make_call(**RICH), *plain], [*spans, rich, make_span({"app.plan": "gold"}, span_id=b"no call.")])

    def found(text, **params):
        rows = opened.rows("latest_calls", q=text, **params)
        return [row["service"] for row in rows]

    return found


@pytest.mark.parametrize(
    "text",
    [
        *("SUPPORT", "haiku", "anthropic", "msg_01abc", "ratelimit", "429", "conv-77", "v12", "summaries", "größe"),
        *("ada@example", "söhne", "desk.py", "desk.py:41", "answer", "d4ae94b4", TRACE.hex().upper(), SPAN.hex()[:9]),
        *('"FIRST draft"', '"Acme & S"', "haiku conv-77 error", "  haiku\t summaries "),
    ],
)
def test_a_word_is_found_in_any_column_whatever_its_case(found, text):
    assert found(text) == ["support-desk"]


@pytest.mark.parametrize(
    "text",
    [
        *("service=support-desk", "model=claude-haiku-4-5", "provider=anthropic", "outcome=error", "http_status=429"),
        *(
            "attempts=3",
            "stream=true",
            "retried=true",
            "conversation=conv-77",
            "prompt_version=v12",
            "team=Größe",
            "user=ada@example.com",
        ),
        *('prompt_name="first draft"', 'customer="Acme & Söhne"', "response_id=msg_01ABC", "error_type=RateLimitError"),
        *(f"trace_id={TRACE.hex()}", f"span_id={SPAN.hex().upper()}", "call_site=desk.py:41", "call_site=desk.py"),
        *("call_site=/srv/app/desk.py:41", "call_site=app/desk.py", "gen_ai.response.id=msg_01ABC"),
        *("spanledger.tag.plan=pro", "spanledger.tag.team=Größe", "plan=pro", "app.plan=gold", "host.name=web-3"),
        *('app.note="it\'s 100% \\"ok\\"\\\\"', "app.größe=日本", "app.plan=gold host.name=web-3 haiku"),
        "model=claude-haiku-4-5 app.plan=gold",
    ],
)
def test_a_key_and_its_value_are_found_in_columns_tags_attributes_and_the_process(found, text):
    assert found(text) == ["support-desk"]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "%",
            "100%",
            "hai_u",
            "h*ku",
            "'",
            "') OR 1=1 --",
            "{q:Array(String)}",
            "\\",
            "日本",
            "d4ae",
            "ae94b44a",
            "42",
        ),
        *(
            "retried=false haiku",
            "retried=true checkout",
            "model=haiku",
            "model=CLAUDE-HAIKU-4-5",
            "call_site=esk.py",
            "call_site=desk.py:4",
            "customer=acme",
        ),
        *(
            "app.plan=gol",
            "app.plan=silver host.name=web-3",
            "app.only=1 haiku",
            "app.absent=1",
            "app.plan=gold app.only=1",
        ),
        *("host.name=%", 'app.note="it\'s"', "x'OR'1=1", "haiku checkout", "app.plan=\"gold' OR '1\""),
    ],
)
def test_signs_are_signs_and_all_terms_must_hold(found, text):
    assert found(text) == []


def test_what_is_empty_can_be_asked_for_and_no_search_is_all(found):
    assert found('feature=""') == ["checkout"] * 2
    assert len(found("")) == len(found(" \n")) == 3


def test_a_search_stays_within_the_time_and_the_filters(found):
    assert found("haiku", to="2026-11-02T12:00:00Z") == found("app.plan=gold", to="2026-11-02T12:00:00Z") == []
    assert found("haiku", service="checkout") == found("app.plan=gold", service="checkout") == []
    assert found("app.plan=gold", service="support-desk", from_="2026-11-02T12:00:00Z") == ["support-desk"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('haiku "first', r"""the quote of '"first' does not end: close it"""),
        ('prompt_name="first draft', r"""the quote of 'prompt_name="first' does not end"""),
        ("=x", r"the term '=x' is no key=value"),
        ("a model=", r"""the term 'model=' is no key=value: write key="" for none"""),
        ('app.plan=""', r"""the term 'app.plan=""' names no column of a call: give the value"""),
        ("trace_id=d4ae", r"'trace_id=d4ae' has a value that trace_id never has: use its 32 hexadecimal digits"),
        ("http_status=four", r"'http_status=four' .* use a whole number"),
        ('http_status=""', r"use a whole number"),
        ("retried=2", r"'retried=2' .* use true or false"),
        ("stream=yes", r"'stream=yes' .* use true or false"),
        ("x" * 201, r"'x{20}'\.\.\. has 201 characters; use at most 200"),
        ("a " * 11, r"it has 11 terms; use at most 10"),
    ],
)
def test_a_bad_term_is_named_with_the_remedy(opened, text, said):
    with pytest.raises(BadParameter, match=said):
        opened.run("latest_calls", {"q": [text]})


def granules(opened, value):
    """How many granules of spans are read for a value, by the store's own plan."""
    asked = f"SELECT s.name FROM spans AS s WHERE {search._MAY_HOLD.format(value=repr(value))}"
    told = opened.store.query(f"EXPLAIN indexes = 1 {asked}", {}).column(0).to_pylist()
    assert any("by_value" in line for line in told)
    return int(next(line.rpartition("Granules: ")[2] for line in told if "Parts:" in line and "Granules:" in line))


@pytest.mark.usefixtures("found")
def test_spans_that_cannot_hold_a_value_are_not_read_once_they_are_merged(opened):
    opened.store.command("OPTIMIZE TABLE spans FINAL")
    assert granules(opened, "gold") > 0
    assert granules(opened, "web-3") > 0
    # One of forty that a filter lets pass is none: not all of these are.
    assert min(granules(opened, f"nowhere {number}") for number in range(4)) == 0
