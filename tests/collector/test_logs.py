import json
import logging
import sys

import pytest

from spanledger_collector.logs import JsonLines, set_up, told
from spanledger_collector.settings import BadSetting


def record(**fields):
    made = logging.LogRecord("spanledger_collector.x", logging.WARNING, "x.py", 1, "%s is \n away", ("store",), None)
    made.created = 1_793_620_800.25
    made.__dict__.update(fields)
    return made


def test_a_line_is_one_object_whatever_the_message_holds():
    line = JsonLines().format(record())
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "2026-11-02T12:00:00.250Z",
        "level": "warning",
        "logger": "spanledger_collector.x",
        "message": "store is \n away",
    }


def test_an_error_brings_its_traceback():
    try:
        {}["who"]
    except KeyError:
        line = json.loads(JsonLines().format(record(exc_info=sys.exc_info())))
    assert "KeyError: 'who'" in line["error"]


@pytest.mark.parametrize("variable", ["SPANLEDGER_LOG_FORMAT", "SPANLEDGER_LOG_LEVEL"])
def test_what_is_not_known_is_named(variable):
    with pytest.raises(BadSetting, match=f"{variable}='loud' is not known: use one of"):
        set_up({variable: "loud"})


def test_what_the_command_says_has_the_form_of_the_log(monkeypatch):
    assert told("stopping") == "spanledger: stopping"
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    line = json.loads(told("100 % of it"))
    assert (line["level"], line["logger"], line["message"]) == ("info", "spanledger", "100 % of it")
