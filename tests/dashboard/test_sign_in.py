"""Who may read the pages, and who may change the ledger from them."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect
from tests.dashboard.test_other_pages import finding
from tests.support.api_double import ApiDouble
from tests.support.api_rows import small
from tests.support.dashboard import dashboard
from tests.support.identity_provider import IdentityProvider

from spanledger_dashboard import roles
from spanledger_dashboard import sign_in as gate
from spanledger_dashboard.command import main
from spanledger_dashboard.seats import Seats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Page
    from streamlit.testing.v1 import AppTest
    from tests.support.browser import Watched

    Opened = Callable[..., AppTest]

READ, ADMIN = "token-of-a-reader", "token-of-an-admin"


@pytest.fixture
def api() -> Iterator[ApiDouble]:
    """A ledger with one finding behind a reader's and an admin's token."""
    with ApiDouble(small(findings=[finding()])) as double:
        double.tokens = {READ: ["read"], ADMIN: ["read", "admin"]}
        yield double


@pytest.fixture
def with_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPANLEDGER_SIGN_IN", "token")


def sign_in(app: AppTest, token: str) -> AppTest:
    app.text_input[0].set_value(token)
    return app.button[0].click().run()


def said(app: AppTest) -> str:
    return "\n".join(str(each.value) for each in [*app.text, *app.caption, *app.markdown])


def buttons(app: AppTest) -> list[str]:
    return [each.label for each in app.button]


@pytest.mark.usefixtures("with_token")
def test_without_a_token_no_page_is_drawn(opened: Opened, api: ApiDouble) -> None:
    app = opened(api, "findings")
    assert "Sign in" in said(app)
    assert api.asked == []


@pytest.mark.usefixtures("with_token")
def test_a_wrong_token_is_said_to_be_wrong_and_opens_nothing(opened: Opened, api: ApiDouble) -> None:
    app = sign_in(opened(api, "findings"), "guessed")
    assert "That token is not one of the collector's." in said(app)
    assert api.asked == []


@pytest.mark.usefixtures("with_token")
def test_a_reader_reads_and_is_told_who_may_decide(opened: Opened, api: ApiDouble) -> None:
    app = sign_in(opened(api, "findings"), READ)
    assert not app.exception
    assert "1 finding to look at" in said(app)
    assert "Deciding needs the admin role." in said(app)
    assert "Save" not in buttons(app)


@pytest.mark.usefixtures("with_token")
def test_an_admin_decides(opened: Opened, api: ApiDouble) -> None:
    app = sign_in(opened(api, "findings"), ADMIN)
    assert "Save" in buttons(app)
    assert "needs the admin role" not in said(app)


@pytest.mark.usefixtures("with_token")
def test_a_token_that_was_taken_back_ends_the_visit_when_its_minute_is_over(
    opened: Opened, api: ApiDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = sign_in(opened(api, "findings"), READ)
    api.tokens.pop(READ)
    monkeypatch.setattr(gate, "_MINUTE", -1.0)
    app.run()
    assert "Sign in" in said(app)
    assert "1 finding" not in said(app)


@pytest.mark.usefixtures("with_token")
def test_signing_out_asks_again(opened: Opened, api: ApiDouble) -> None:
    app = sign_in(opened(api, "findings"), READ)
    next(each for each in app.button if each.label == "Sign out").click().run()
    assert "Sign in" in said(app)
    assert "1 finding" not in said(app)


@pytest.mark.usefixtures("with_token")
def test_where_the_api_asks_for_no_token_none_opens_the_pages(opened: Opened) -> None:
    with ApiDouble(small()) as api:
        app = sign_in(opened(api), "anything")
    assert "none can prove anything" in said(app)


def test_a_dashboard_with_a_reader_s_token_offers_no_decision(
    opened: Opened, api: ApiDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPANLEDGER_TOKEN", READ)
    app = opened(api, "findings")
    assert "Save" not in buttons(app)
    assert "needs the admin role" in said(app)


def test_a_seat_holds_a_token_until_it_is_left() -> None:
    seats = Seats()
    first, second = seats.take("a"), seats.take("b")
    assert (seats.token(first), seats.token(second), seats.token("")) == ("a", "b", None)
    seats.leave(first)
    assert (seats.token(first), seats.token(second)) == (None, "b")


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({"email": "ada@example.com", "email_verified": True}, "admin"),
        ({"email": "Ada@Example.com", "email_verified": True}, "admin"),
        ({"email": "ada@example.com"}, None),  # anybody could claim it
        ({"email": "ada@example.com", "email_verified": "false"}, None),
        ({"email": "bob@example.org", "email_verified": True}, "reader"),
        ({"email": "bob@evil-example.org", "email_verified": True}, None),
        ({"groups": ["staff", "finops"]}, "admin"),
        ({"groups": "finops"}, "admin"),
        ({"sub": "7"}, "reader"),
        ({}, None),
    ],
)
def test_a_role_is_what_the_provider_vouches_for(claims: dict[str, Any], role: str | None) -> None:
    rules = {"admins": ["ada@example.com", "groups=finops"], "readers": ["@example.org", "sub=7"]}
    assert roles.of(claims, rules) == role
    assert roles.of(claims, {"readers": ["*"]}) == "reader"


def test_a_provider_without_roles_is_refused_before_the_first_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "secrets.toml"
    file.write_text('[auth]\nredirect_uri = "http://127.0.0.1/oauth2callback"\ncookie_secret = "x"\n')
    assert main(["--sign-in", "oidc", "--sign-in-secrets", str(file)]) == 2
    assert "has no readers in [spanledger]" in capsys.readouterr().err
    assert main(["--sign-in", "oidc"]) == 2
    assert "--sign-in-secrets FILE" in capsys.readouterr().err


@pytest.mark.parametrize(("host", "mode"), [("127.0.0.1", "none"), ("0.0.0.0", "token")])
def test_beyond_this_machine_a_token_is_asked_for_by_default(host: str, mode: str) -> None:
    from spanledger_dashboard.command import _parser
    from spanledger_dashboard.signing_in import checked

    assert checked(_parser().parse_args(["--host", host])) == mode


def heading(page: Page, name: str) -> None:
    expect(page.get_by_text(name).first).to_be_visible(timeout=120_000)


def test_the_cookie_keeps_a_tab_signed_in_and_holds_no_token(api: ApiDouble, watched: Watched) -> None:
    with dashboard(api.url, "--sign-in", "token") as url:
        watched.page.goto(f"{url}/findings")
        watched.page.get_by_label("API token").fill(READ, timeout=120_000)
        watched.page.get_by_label("API token").press("Enter")
        heading(watched.page, "1 finding to look at")
        expect(watched.page.get_by_text("Sign out")).to_be_visible()
        (seat,) = (each for each in watched.page.context.cookies() if each["name"] == "spanledger_seat")
        watched.page.goto(f"{url}/findings")
        heading(watched.page, "1 finding to look at")
    assert READ not in str(seat)
    assert seat["sameSite"] == "Strict"


@pytest.fixture
def at_provider(
    tmp_path: Path, api: ApiDouble, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, IdentityProvider]]:
    """Pages behind a provider on loopback; the dashboard itself holds the admin's token."""
    monkeypatch.setenv("SPANLEDGER_TOKEN", ADMIN)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    file = tmp_path / "secrets.toml"
    with IdentityProvider() as provider:
        file.write_text(provider.secrets_toml(port, admins=["ada@example.com"], readers=["@example.com"]))
        options = ("--sign-in", "oidc", "--sign-in-secrets", str(file), "--port", str(port))
        with dashboard(api.url, *options) as url:
            yield url, provider


def test_a_provider_signs_people_in_by_role(at_provider: tuple[str, IdentityProvider], watched: Watched) -> None:
    url, provider = at_provider
    page = watched.page
    page.goto(f"{url}/findings")
    page.get_by_role("button", name="Continue to sign-in").click(timeout=120_000)
    heading(page, "Signed in as ada@example.com, admin")
    page.goto(f"{url}/findings")
    expect(page.get_by_role("button", name="Decide")).to_be_visible(timeout=120_000)
    page.get_by_role("button", name="Sign out").click()
    provider.claims |= {"email": "bob@example.com"}
    page.get_by_role("button", name="Continue to sign-in").click(timeout=120_000)
    heading(page, "Signed in as bob@example.com, reader")
    page.goto(f"{url}/findings")
    heading(page, "Deciding needs the admin role.")
    expect(page.get_by_role("button", name="Decide")).to_have_count(0)
    page.get_by_role("button", name="Sign out").click()
    provider.claims |= {"email": "eve@elsewhere.example"}
    page.get_by_role("button", name="Continue to sign-in").click(timeout=120_000)
    heading(page, "may not read this ledger")
    assert watched.complaints == []
