"""One file of settings, and a check of it that names what is wrong before anything is started."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from spanledger_collector import configuration
from spanledger_collector.command import main, settings_of
from spanledger_collector.configuration import SETTINGS, BadFile

DOCS = Path(__file__).parents[2] / "docs"
PAGES = "".join((DOCS / page).read_text() for page in ("settings.md", "alerts.md", "review.md"))


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in [name for name in os.environ if name.startswith("SPANLEDGER_")]:
        monkeypatch.delenv(name)


def file(tmp_path, text):
    path = tmp_path / "spanledger.toml"
    path.write_text(text)
    return path


def check(path, capsys):
    code = main(["config", "check", str(path)])
    return code, capsys.readouterr().err


def test_every_setting_is_documented_and_every_documented_one_is_a_setting():
    """Of a new one, add a line to SETTINGS in configuration.py and a row to docs/settings.md."""
    assert not [each.variable for each in SETTINGS if f"`{each.variable}`" not in PAGES]
    named = set(re.findall(r"`(SPANLEDGER_[A-Z_]*[A-Z])[`=]", (DOCS / "settings.md").read_text()))
    assert named <= {each.variable for each in SETTINGS}


def test_a_key_is_told_once():
    assert len({each.key for each in SETTINGS}) == len(SETTINGS)


def test_the_file_stands_below_variables_and_flags(tmp_path):
    path = file(tmp_path, 'cluster = "c"\ndsn = "https://file/x"\n[keep]\nspans_days = 30\ncalls_days = 365\n')
    environ = {"SPANLEDGER_KEEP_SPANS_DAYS": "7"}
    configuration.load(environ, path)
    settings = settings_of(["--keep-calls", "400"], environ)
    assert (settings.keep_spans_days, settings.keep_calls_days, settings.dsn) == (7, 400, "https://file/x")


def test_the_file_may_say_all_that_flags_say(tmp_path):
    text = """
    data = "/srv/ledger"
    forward = "http://127.0.0.1:9"
    log_limit_mib = 100
    disk_budget_gib = 2
    [listen]
    http = "127.0.0.1:1"
    grpc = "127.0.0.1:2"
    api = "127.0.0.1:3"
    """
    environ = {"SPANLEDGER_CONFIG": str(file(tmp_path, text))}
    configuration.load(environ)
    settings = settings_of([], environ)
    assert [str(address) for _, _, address in settings.listeners] == [f"127.0.0.1:{port}" for port in (1, 2, 3)]
    assert (settings.log_bytes, settings.disk_budget_bytes) == (100 * 2**20, 2 * 2**30)
    assert (settings.data, settings.forward) == (Path("/srv/ledger"), "http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("\nkeep_span_days = 3", ":2: keep_span_days is no setting of this file; keep_spans_days is one"),
        ("[listen]\nhtp = '1'", ":2: listen.htp is no setting of this file; listen_http is one"),
        ("tags = 'a=b'", "tags is no setting of this file"),
        ("data = 2026-01-01", "data = datetime.date(2026, 1, 1) is no text and no number"),
        ("data = ", "are no TOML"),
        ("[keep]\nspans_days = 'x'", "keep_spans_days: SPANLEDGER_KEEP_SPANS_DAYS=x is no whole number"),
        ("[keep]\ncalls_days = 99999", "keep_calls_days: --keep-calls 99999 is no number of days: use 1 to 3650"),
        ("[listen]\nhttp = '0.0.0.0:4318'", "set SPANLEDGER_TOKEN"),
        ("log_limit_mib = 1", "log_limit_mib: --log-limit 1 is too small"),
        ("[tls]\ncert = '/nowhere'", "TLS needs a certificate and its key"),
        ("review = 'dayly'", "review: SPANLEDGER_REVIEW='dayly' has 'dayly'"),
        ("prices = '/nowhere.toml'", "/nowhere.toml"),
        ("alert_rules = '/nowhere.toml'", "/nowhere.toml"),
    ],
)
def test_what_is_wrong_is_named(text, told, tmp_path, capsys):
    code, said = check(file(tmp_path, text), capsys)
    assert code == 1
    assert told in said


def test_each_fault_is_told(tmp_path, capsys):
    _, said = check(file(tmp_path, "a = 1\nb = 2"), capsys)
    assert len(said.splitlines()) == 2


def test_a_variable_that_is_none_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SPANLEDGER_TOKN", "s3cret")
    monkeypatch.setenv("SPANLEDGER_SERVICE_HOST", "10.0.0.1")  # by Kubernetes, of a service of that name
    monkeypatch.setenv("SPANLEDGER_PORT_4318_TCP_ADDR", "10.0.0.1")
    _, said = check(file(tmp_path, ""), capsys)
    assert "SPANLEDGER_TOKN is no setting; SPANLEDGER_TOKEN is one" in said
    assert "s3cret" not in said
    assert len(said.splitlines()) == 1


def test_a_good_file_is_said_to_be_good_and_shown_without_its_secrets(tmp_path, capsys):
    path = file(tmp_path, 'token = "s3cret"\n[listen]\nhttp = "0.0.0.0:4318"')
    assert check(path, capsys) == (0, "")
    main(["config", "show", str(path)])
    shown = capsys.readouterr().out
    assert "listen_http = '0.0.0.0:4318'  # file" in shown
    assert "token = '(secret)'  # file" in shown
    assert "s3cret" not in shown


def test_a_command_that_is_given_a_bad_file_does_not_start(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SPANLEDGER_CONFIG", str(file(tmp_path, "x = 1")))
    assert main(["collect"]) == 2
    assert "x is no setting of this file" in capsys.readouterr().err
    with pytest.raises(BadFile):
        configuration.load(dict(os.environ))
