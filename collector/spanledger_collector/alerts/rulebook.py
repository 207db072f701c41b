"""Own rules and silences as data, in TOML: read again when the file changes, refused with its reason when it is wrong.

[[rule]]
name = "checkout-slo"
kind = "burn_rate"            # or threshold, budget
filters = { service = "checkout" }
objective = 0.99
owner = "payments"
runbook_url = "https://wiki.example.com/llm"

[[silence]]
matchers = { service = "batch" }
author = "ada"
reason = "migration"
until = 2026-12-01T00:00:00Z
"""

from __future__ import annotations

import importlib
import logging
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.alerts.built_in import RULES
from spanledger_collector.alerts.own_rules import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from spanledger_collector.alerts.state import Alert
    from spanledger_collector.alerts.stored_calls import RunQuery
    from spanledger_collector.alerts.verdict import Rule

# Python 3.10 has no TOML reader of its own; tomli is the same code.
_toml: Any = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
_log = logging.getLogger(__name__)


class BadRules(ValueError):
    """The file cannot be used; the text names the entry, what is wrong with it and the remedy."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Alerts whose labels, or rule as ``rule``, match all of these are not told until it expires; they are kept."""

    matchers: Mapping[str, str]
    author: str
    reason: str
    until: datetime
    since: datetime | None = None
    id: str = ""  # of one given over the API

    def covers(self, alert: Alert, now: datetime) -> bool:
        labels = {"rule": alert.rule, **dict(alert.labels)}
        on = (self.since is None or self.since <= now) and now < self.until
        return on and all(labels.get(name) == value for name, value in self.matchers.items())


@dataclass(frozen=True, slots=True)
class Rulebook:
    own: Sequence[Any] = ()  # of KINDS
    silences: Sequence[Silence] = ()
    acknowledged: frozenset[tuple[str, datetime]] = frozenset()  # incidents: fingerprint and since

    def with_kept(self, kept: Rulebook) -> Rulebook:
        """Both; of two rules of one name the file's holds."""
        mine = {one.name for one in self.own}
        own = (*self.own, *(one for one in kept.own if one.name not in mine))
        return Rulebook(own, (*self.silences, *kept.silences), self.acknowledged | kept.acknowledged)

    def rules(self, run_query: RunQuery) -> Sequence[Rule]:
        return [own.rule(run_query) for own in self.own]

    def silenced(self, alert: Alert, now: datetime) -> bool:
        return any(silence.covers(alert, now) for silence in self.silences)


EMPTY: Final = Rulebook()
FILE: Final = "SPANLEDGER_ALERT_RULES"


class RuleFile:
    """Call it for the rules as they are now. A file that became wrong is logged; the last good one stays in force."""

    def __init__(self, path: Path) -> None:
        """Raises BadRules, OSError."""
        self._path = path
        self._changed = path.stat().st_mtime_ns
        self._book = read(path)

    def __call__(self) -> Rulebook:
        try:
            if (changed := self._path.stat().st_mtime_ns) != self._changed:
                self._changed = changed
                self._book = read(self._path)
        except (OSError, BadRules) as error:
            _log.warning("the alert rules stay as they were: %s", error)
        return self._book


def configured(environment: Mapping[str, str]) -> Callable[[], Rulebook]:
    """The file named by ``SPANLEDGER_ALERT_RULES``, if any. Raises ValueError."""
    name = environment.get(FILE, "").strip()
    if not name:
        return lambda: EMPTY
    try:
        return RuleFile(Path(name))
    except OSError as error:
        raise BadRules(f"{FILE}={name!r} cannot be read: {error.strerror}; give the path of a TOML file") from error


def read(path: Path) -> Rulebook:
    """Raises BadRules, OSError."""
    try:
        tables = _toml.loads(path.read_text(encoding="utf-8"))
    except _toml.TOMLDecodeError as error:
        raise BadRules(f"{path} is no TOML: {error}") from error
    if unknown := tables.keys() - {"rule", "silence"}:
        raise BadRules(f"{path} has [{min(unknown)}]; there are [[rule]] and [[silence]]")
    own = [_named(own_rule, entry, path) for entry in tables.get("rule", [])]
    names = [one.name for one in own]
    if twice := {name for name in names if names.count(name) > 1}:
        raise BadRules(f"{path} names two rules {min(twice)!r}; a name is an alert's identity, give each its own")
    return Rulebook(own, [_named(silence, entry, path) for entry in tables.get("silence", [])])


def _named(make: Callable[[Mapping[str, Any]], Any], entry: Mapping[str, Any], path: Path) -> Any:
    try:
        return make(entry)
    except BadRules as error:
        raise BadRules(f"{path}: {error}") from error


def own_rule(entry: Mapping[str, Any]) -> Any:
    """From a table of TOML or an object of JSON. Raises BadRules."""
    entry = dict(entry)
    kind, name = entry.pop("kind", ""), entry.get("name")
    if kind not in KINDS:
        raise BadRules(f"rule {name!r} has kind {kind!r}; use one of {', '.join(KINDS)}")
    if name in RULES:
        raise BadRules(f"name {name!r} is a built-in rule's; give yours another")
    try:
        return KINDS[kind].read(entry)
    except (TypeError, ValueError) as error:
        raise BadRules(f"rule {name!r}: {error}") from error


def silence(entry: Mapping[str, Any]) -> Silence:
    """From a table of TOML. Raises BadRules."""
    for name in ("matchers", "author", "reason", "until"):
        if not entry.get(name):
            raise BadRules(f"a silence has no {name}; it needs matchers, author, reason and until")
    for name in ("until", "since"):
        if name in entry and (not isinstance(entry[name], datetime) or entry[name].tzinfo is None):
            raise BadRules(f"{name} = {entry[name]} of a silence is no time with a zone: 2026-12-01T00:00:00Z")
    if unknown := entry.keys() - {"matchers", "author", "reason", "until", "since"}:
        raise BadRules(f"a silence has {min(unknown)!r}; there are matchers, author, reason, until and since")
    made = Silence(**entry)
    if not isinstance(made.matchers, dict) or not all(isinstance(one, str) for one in made.matchers.values()):
        raise BadRules(f'matchers = {made.matchers} of a silence; give names and texts: {{ service = "batch" }}')
    return made
