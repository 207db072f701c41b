"""Every setting there is, in one table; and one TOML file in which any of them may stand.

A key is a variable's name without SPANLEDGER_, in lower case; what begins alike may be a table: `[tls] cert` is
SPANLEDGER_TLS_CERT. Flags come first, then variables, then the file, then defaults.
"""

from __future__ import annotations

import importlib
import re
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from spanledger_collector.settings import BadSetting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableMapping

# Python 3.10 has no TOML reader of its own; tomli is the same code.
_toml: Any = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
PREFIX: Final = "SPANLEDGER_"
FILE: Final = "SPANLEDGER_CONFIG"
# What Kubernetes tells a pod of a service called spanledger.
_KUBERNETES: Final = re.compile(r"SPANLEDGER(_\w+)?_(SERVICE_(HOST|PORT)|PORT(_\d+_\w+)?$)")
Place = Literal["collector", "service", "dashboard"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable. A secret's value is never shown."""

    name: str  # without SPANLEDGER_
    what: str
    place: Place = "collector"
    flag: str = ""
    default: str = ""
    secret: bool = False

    @property
    def variable(self) -> str:
        return PREFIX + self.name

    @property
    def key(self) -> str:
        return self.name.lower()


SETTINGS: Final[tuple[Setting, ...]] = (
    Setting(
        "DATA", "log and embedded store; one process at a time", flag="--data", default="~/.local/share/spanledger"
    ),
    Setting("DSN", "a ClickHouse server instead of the embedded store", flag="--dsn", secret=True),
    Setting("CLUSTER", "make the tables on all servers of this ClickHouse cluster", flag="--cluster"),
    Setting("LISTEN_HTTP", "OTLP/HTTP listener", flag="--otlp-http", default="127.0.0.1:4318"),
    Setting("LISTEN_GRPC", "OTLP/gRPC listener", flag="--otlp-grpc", default="127.0.0.1:4317"),
    Setting("LISTEN_API", "listener of queries, status and metrics", flag="--api", default="127.0.0.1:4319"),
    Setting("TOKEN", "opens everything; in a service, what is shown to the collector", secret=True),
    Setting("INGEST_TOKEN", "opens the OTLP listeners", secret=True),
    Setting("READ_TOKEN", "opens queries, status and metrics", secret=True),
    Setting("ADMIN_TOKEN", "opens everything", secret=True),
    Setting("TLS_CERT", "certificate of the listeners, PEM", flag="--tls-cert"),
    Setting("TLS_KEY", "its key, PEM", flag="--tls-key"),
    Setting("TLS_CLIENT_CA", "authority of the clients' certificates, PEM", flag="--tls-client-ca"),
    Setting("FOLLOW", "read otel_traces of this ClickHouse server in place", flag="--follow", secret=True),
    Setting("FORWARD", "send the same spans to this OTLP/HTTP endpoint too", flag="--forward"),
    Setting("FORWARD_HEADERS", "KEY=VALUE,KEY=VALUE for it", secret=True),
    Setting("PRICES", "price overrides, discounts and aliases, TOML", flag="--prices"),
    Setting("PRICES_URL", "where newer editions of prices are fetched when asked for"),
    Setting("ALLOCATION", "whose cost it is, shared cost included, TOML", flag="--allocation"),
    Setting("LOG_LIMIT_MIB", "most the write-ahead log may hold", flag="--log-limit", default="1024"),
    Setting("KEEP_SPANS_DAYS", "let spans go after so many days", flag="--keep-spans", default="0"),
    Setting("KEEP_CALLS_DAYS", "let calls go after so many days", flag="--keep-calls", default="0"),
    Setting("DISK_BUDGET_GIB", "warn before log and store together grow past it", flag="--disk-budget", default="0"),
    Setting("LOG_FORMAT", "text or json", default="text"),
    Setting("LOG_LEVEL", "debug, info, warning or error", default="warning"),
    Setting("ALERT_WEBHOOK", "where alerts are posted", secret=True),
    Setting("ALERT_WEBHOOK_SECRET", "signs each post", secret=True),
    Setting("ALERT_SLACK_WEBHOOK", "a Slack incoming webhook", secret=True),
    Setting("ALERT_SMTP", "a mail server", secret=True),
    Setting("ALERT_SMTP_FROM", "sender of mails"),
    Setting("ALERT_SMTP_TO", "receivers of mails"),
    Setting("ALERT_PAGERDUTY_KEY", "an Events API v2 integration", secret=True),
    Setting("ALERT_PAGERDUTY_URL", "its region's address", default="https://events.pagerduty.com"),
    Setting("ALERT_ALERTMANAGER", "base URL of a Prometheus Alertmanager", secret=True),
    Setting("ALERT_APPRISE", "Apprise addresses, separated by spaces", secret=True),
    Setting("ALERT_RULES", "own rules and silences, TOML"),
    Setting("REVIEW", "weekly, monthly or both: reviews that make themselves"),
    Setting("REVIEW_FORMATS", "of html, pdf, md, csv", default="html"),
    Setting("REVIEW_DIR", "where they are kept"),
    Setting("REVIEW_SLACK", "a Slack incoming webhook", secret=True),
    Setting("REVIEW_MAIL_TO", "who gets them by mail"),
    Setting("REVIEW_MAIL_FROM", "from whom"),
    Setting("REVIEW_SMTP", "a mail server", secret=True),
    Setting("CHROMIUM", "a Chromium that prints the review as PDF"),
    Setting("CONFIG", "the TOML file of all of these", flag="--config"),
    Setting("API", "the collector to read", "dashboard", "--api", "http://127.0.0.1:4319"),
    Setting("SIGN_IN", "who may open the pages: token or oidc", "dashboard"),
    Setting("SIGN_IN_SECRETS", "where the OpenID Connect client is described, TOML", "dashboard"),
    Setting("ENDPOINT", "base URL of the collector's OTLP/HTTP listener", "service"),
    Setting("TAGS", "tags on every call of the process", "service"),
    Setting("HASH_KEY", "keys prompt fingerprints", "service", secret=True),
    Setting("METRICS", "names of the GenAI metrics: latest, legacy or none", "service", default="latest"),
    Setting("STREAM_USAGE", "1 asks for the usage of chat streams", "service"),
    Setting("BAGGAGE", "in, out or both: tags in W3C baggage", "service", default="none"),
    Setting("DISABLED", "1 turns everything off", "service"),
)
BY_KEY: Final[Mapping[str, Setting]] = {setting.key: setting for setting in SETTINGS}


class BadFile(BadSetting):
    """Settings of a file that cannot be used; one sentence for each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def load(environ: MutableMapping[str, str], path: Path | None = None) -> None:
    """Let the file's settings stand where no variable does: of `path`, or the one SPANLEDGER_CONFIG names, if any.
    Raises BadFile.
    """
    named = environ.get(FILE, "").strip()
    if file := path or (Path(named).expanduser() if named else None):
        for variable, value in read(file).items():
            environ.setdefault(variable, value)


def read(path: Path) -> dict[str, str]:
    """Values by variable. Raises BadFile, which names each bad key with its line."""
    try:
        text = path.read_text("utf-8")
        document = _toml.loads(text)
    except OSError as error:
        raise BadFile([f"the settings {path} cannot be read: {error.strerror}"]) from error
    except ValueError as error:
        raise BadFile([f"the settings {path} are no TOML: {error}"]) from error
    values: dict[str, str] = {}
    faults: list[str] = []
    for dotted, value in _leaves(document):
        setting = BY_KEY.get(dotted.replace(".", "_").replace("-", "_"))
        if setting is None or setting.place == "service" or setting.name == "CONFIG":
            faults.append(f"{_place(path, text, dotted)}: {dotted} is no setting of this file{_meant(dotted)}")
        elif not isinstance(value, str | int | float | list):
            faults.append(f"{_place(path, text, dotted)}: {dotted} = {value!r} is no text and no number")
        else:
            values[setting.variable] = _text(value)
    if faults:
        raise BadFile(faults)
    return values


def strangers(environ: Mapping[str, str]) -> list[str]:
    """A sentence for each SPANLEDGER_* variable that is no setting, with the one that may be meant."""
    return [
        f"{name} is no setting{_meant(name.removeprefix(PREFIX).lower(), variable=True)}"
        for name in sorted(environ)
        if name.startswith(PREFIX) and name.removeprefix(PREFIX).lower() not in BY_KEY and not _KUBERNETES.match(name)
    ]


def _leaves(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Of nested tables, by dotted key."""
    for name, value in table.items():
        dotted = f"{above}{name}"
        if isinstance(value, dict):
            yield from _leaves(value, f"{dotted}.")
        else:
            yield dotted, value


def _text(value: float | str | list[Any]) -> str:
    if isinstance(value, bool):
        return "1" if value else ""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _place(path: Path, text: str, dotted: str) -> str:
    last = re.compile(rf"""^\s*[\w."'-]*\b{re.escape(dotted.rpartition(".")[2])}["']?\s*=""")
    lines = (number for number, line in enumerate(text.splitlines(), 1) if last.match(line))
    number = next(lines, 0)
    return f"{path}:{number}" if number else str(path)


def _meant(given: str, *, variable: bool = False) -> str:
    close = get_close_matches(given.replace(".", "_").replace("-", "_"), BY_KEY, n=1)
    if not close:
        return ""
    return f"; {BY_KEY[close[0]].variable if variable else close[0]} is one"
