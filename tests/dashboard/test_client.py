from __future__ import annotations

from decimal import Decimal

import pytest
from tests.support.api_double import ApiDouble
from tests.support.api_rows import small, totals

from spanledger_dashboard.client import ApiError, Client


def trouble(api: ApiDouble) -> ApiError:
    with pytest.raises(ApiError) as caught:
        Client.at(api.url).table("totals")
    return caught.value


def test_money_arrives_exact() -> None:
    exact = Decimal("12345678901234567890.123456789012345678")
    with ApiDouble(small(totals=[totals(cost_usd=exact)])) as api:
        assert Client.at(api.url).table("totals").to_pylist()[0]["cost_usd"] == exact


def test_repeated_filters_are_all_sent() -> None:
    with ApiDouble(small()) as api:
        Client.at(api.url).table("totals", [("model", "a&b"), ("model", "c")])
    assert api.asked == [("totals", {"model": ["a&b", "c"]})]


def test_the_token_is_sent_as_bearer() -> None:
    assert Client.at("http://127.0.0.1:1", "secret").http.headers["authorization"] == "Bearer secret"


@pytest.mark.parametrize(
    ("code", "kind"), [(401, "refused"), (403, "refused"), (400, "rejected"), (500, "failed"), (503, "failed")]
)
def test_a_refusal_keeps_the_words_of_the_api(code: int, kind: str) -> None:
    with ApiDouble() as api:
        api.failure = (code, "'by' must be one of model, service.")
        error = trouble(api)
    assert error.trouble == kind
    assert str(error) == f"/api/v1/query/totals answered {code}: 'by' must be one of model, service."


def test_an_api_that_is_not_there_is_unreachable() -> None:
    with ApiDouble() as api:
        pass
    error = trouble(api)
    assert error.trouble == "unreachable"
    assert api.url in str(error)


def test_an_answer_that_is_no_arrow_stream_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.api_double._stream", lambda _: b"<html>hello</html>")
    with ApiDouble(small()) as api:
        assert trouble(api).trouble == "unreadable"


@pytest.mark.parametrize("url", ["127.0.0.1:4319", "ftp://host", "http://", ""])
def test_a_bad_address_is_named_with_a_good_one(url: str) -> None:
    with pytest.raises(
        ValueError, match=r"is not an API address: give scheme and host, such as http://127\.0\.0\.1:4319"
    ):
        Client.at(url)


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with ApiDouble(small()) as api:
        assert Client.at(api.url).table("totals").num_rows == 1
