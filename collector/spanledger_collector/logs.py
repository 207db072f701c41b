"""What the collector logs: text for people, or one JSON object a line for log pipelines."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

from spanledger_collector.settings import BadSetting

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMATS: Final = ("text", "json")
LEVELS: Final = ("debug", "info", "warning", "error")


class JsonLines(logging.Formatter):
    """`time` is UTC with milliseconds; `error` has the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")
        line = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up(environ: Mapping[str, str]) -> None:
    """By SPANLEDGER_LOG_FORMAT and SPANLEDGER_LOG_LEVEL, to standard error. Raises BadSetting."""
    form = _one_of(environ, "SPANLEDGER_LOG_FORMAT", FORMATS, "text")
    level = _one_of(environ, "SPANLEDGER_LOG_LEVEL", LEVELS, "warning")
    handler = logging.StreamHandler()
    text = logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    handler.setFormatter(JsonLines() if form == "json" else text)
    logging.basicConfig(level=level.upper(), handlers=[handler])


def told(text: str) -> str:
    """A sentence of the command itself, in the form of the log's lines."""
    if not any(isinstance(handler.formatter, JsonLines) for handler in logging.getLogger().handlers):
        return f"spanledger: {text}"
    return JsonLines().format(logging.LogRecord("spanledger", logging.INFO, "", 0, "%s", (text,), None))


def _one_of(environ: Mapping[str, str], variable: str, known: tuple[str, ...], default: str) -> str:
    value = environ.get(variable, "").strip().lower() or default
    if value not in known:
        raise BadSetting(f"{variable}={value!r} is not known: use one of {', '.join(known)}")
    return value
