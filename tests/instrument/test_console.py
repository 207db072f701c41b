"""The console command: it starts what is there and names what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.otlp_receiver import OtlpReceiver

from spanledger import __main__ as console
from spanledger import __version__, _run, doctor
from spanledger._run import prepare
from spanledger.settings import BadSettingError, checked_endpoint, from_environment


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert console.main(["--version"]) == 0
    assert capsys.readouterr().out == f"spanledger {__version__}\n"


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert console.main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(f"  {name} " in said for name in console.COMMANDS)


def test_an_unknown_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert console.main(["fly"]) == 2
    assert "no command 'fly'; it is one of run, doctor," in capsys.readouterr().err


def test_a_missing_extra_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "needs_more.py").write_text("import surely_not_installed\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(console.COMMANDS, "up", console.Command("needs_more", "server", ""))
    assert console.main(["up"]) == 2
    assert "surely_not_installed is not installed; pip install 'spanledger[server]'" in capsys.readouterr().err


def test_doctor_tells_what_fits_and_that_spans_arrive(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with OtlpReceiver() as receiver:
        monkeypatch.setenv("SPANLEDGER_ENDPOINT", receiver.url)
        assert doctor.main([]) == 0
    said = capsys.readouterr().out
    assert "patches fit" in said
    assert f"{receiver.url} takes spans" in said
    assert "PROBLEM" not in said


def test_doctor_says_what_to_do_about_an_absent_collector(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPANLEDGER_ENDPOINT", "http://127.0.0.1:9")
    assert doctor.main([]) == 1
    assert (
        "http://127.0.0.1:9 does not answer (ConnectionRefusedError). Start one: spanledger up"
        in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("name", "argument", "says"),
    [
        ("", "", "keeps every call"),
        ("traceidratio", "0.01", "keeps 0.01 of the calls: 99.00% would be lost"),
        ("parentbased_traceidratio", "0.25", "75.00% would be lost to the ledger. Where a calling service did not"),
        ("traceidratio", "nonsense", "keeps every call"),
        ("always_off", "", "keeps 0 of the calls: 100.00% would be lost"),
        ("jaeger_remote", "", "OTEL_TRACES_SAMPLER=jaeger_remote: what it drops is not in the ledger"),
    ],
)
def test_doctor_says_what_the_applications_sampler_loses(name: str, argument: str, says: str) -> None:
    assert says in doctor.sampled({"OTEL_TRACES_SAMPLER": name, "OTEL_TRACES_SAMPLER_ARG": argument})


def test_doctor_says_what_is_recorded(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with OtlpReceiver() as receiver:
        monkeypatch.setenv("SPANLEDGER_ENDPOINT", receiver.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        monkeypatch.setenv("SPANLEDGER_METRICS", "legacy")
        monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
        assert doctor.main([]) == 0
    said = capsys.readouterr().out
    for words in ("not sampled", "counted once there", "prompts and replies leave the process", "provider: legacy"):
        assert words in said


def test_run_prepares_the_environment_of_the_program() -> None:
    env = {"PYTHONPATH": "/theirs", "SPANLEDGER_TAGS": "a=1"}
    prepare(env, "http://collector:4318/v1/traces", "shop", ["b=2"])
    assert env["SPANLEDGER_ENDPOINT"] == "http://collector:4318"
    assert env["SPANLEDGER_TAGS"] == "a=1,b=2"
    assert env["OTEL_SERVICE_NAME"] == "shop"
    assert env["PYTHONPATH"].endswith("_autoload:/theirs")


@pytest.mark.parametrize("value", ["collector:4318", "ftp://x", "nonsense"])
def test_a_bad_endpoint_is_named_with_its_value_and_the_remedy(value: str) -> None:
    with pytest.raises(BadSettingError, match=f"SPANLEDGER_ENDPOINT='{value}' is not a URL; write it like http://127"):
        checked_endpoint(value, "SPANLEDGER_ENDPOINT")


def test_bad_tags_are_named() -> None:
    with pytest.raises(BadSettingError, match="SPANLEDGER_TAGS has 'feature'; write it like feature=search,team=core"):
        from_environment({"SPANLEDGER_TAGS": "feature"})


def test_run_prints_the_folder_for_pythonpath(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run.main(["--print-path"]) == 0
    assert (Path(capsys.readouterr().out.strip()) / "sitecustomize.py").is_file()
