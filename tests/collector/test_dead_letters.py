"""What was put aside can be read, by people and by programs."""

from __future__ import annotations

import json

from tests.support.calls import make_span

from spanledger_collector.command import main
from spanledger_collector.counters import Counters
from spanledger_collector.data_directory import LETTERS
from spanledger_collector.dead_letters import DeadLetters

NOON = 1_793_620_800 * 10**9  # 2026-11-02T12:00:00Z


def letters(tmp_path):
    kept = DeadLetters(tmp_path / LETTERS, Counters())
    kept.keep_span(NOON, 3, make_span({"api": "x"}, name="strange"), KeyError("who"))
    kept.keep_request(NOON + 10**9, 0, b"\xff\x00", ValueError("no request"))


def test_people_read_the_newest_first_with_reasons(tmp_path, capsys):
    letters(tmp_path)
    assert main(["collect", "dead-letters", "--data", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "2026-11-02T12:00:01Z  request of 2 bytes"
    assert lines[1].strip() == "ValueError: no request"
    assert lines[3].startswith("2026-11-02T12:00:00Z  span 'strange' of checkout, trace 7474")
    assert lines[-1].startswith("2 dead letters in ")


def test_programs_read_all_that_was_kept(tmp_path, capsys):
    letters(tmp_path)
    main(["collect", "dead-letters", "--data", str(tmp_path), "--json", "--limit", "1"])
    (letter,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (letter["request"], letter["put_aside"]) == ("ff00", "2026-11-02T12:00:01Z")


def test_a_letter_that_cannot_be_read_is_told_beside_the_others(tmp_path, capsys):
    letters(tmp_path)
    (tmp_path / LETTERS / "9.json").write_text("{")
    assert main(["collect", "dead-letters", "--data", str(tmp_path)]) == 0
    assert "cannot be read" in capsys.readouterr().out
