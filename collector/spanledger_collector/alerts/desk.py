"""What people do about alerts over the API: rules, silences, acknowledgements, channels, back-tests."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.alerts import record
from spanledger_collector.alerts.built_in import RULES
from spanledger_collector.alerts.drill import made_up
from spanledger_collector.alerts.inhibition import inhibited
from spanledger_collector.alerts.kept import Kept
from spanledger_collector.alerts.rulebook import BadRules, Rulebook, Silence, own_rule
from spanledger_collector.alerts.state import ACTIVE
from spanledger_collector.alerts.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from spanledger_collector.alerts.kept import Save
    from spanledger_collector.alerts.notify import Notifier
    from spanledger_collector.alerts.state import Alert
    from spanledger_collector.alerts.stored_calls import RunQuery

Json = dict[str, Any]
Path = Mapping[str, str]
_LONGEST: Final = timedelta(days=366)


class AlertDesk:
    """Thread-safe. Methods take path parameters and a body; ValueError and LookupError tell field and remedy."""

    def __init__(
        self,
        run_query: RunQuery,
        save: Save,
        notifiers: Sequence[Notifier] = (),
        from_file: Callable[[], Rulebook] = Rulebook,
    ) -> None:
        self._kept = Kept(run_query, save)
        self._notifiers = {one.name: one for one in notifiers}
        self._from_file = from_file
        self._trial = Trial(run_query)
        self._writing = threading.Lock()

    def rules(self, _path: Path, _body: Json) -> Json:
        built_in = [{"name": name, "kind": name, "source": "built_in", "basis": basis} for name, basis in RULES.items()]
        in_file = [own.definition | {"source": "file"} for own in self._from_file().own]
        given = [
            {"name": row["name"], **json.loads(row["definition"]), "source": "api"}
            | {"author": row["author"], "updated": row["updated"]}
            for row in self._kept.rows("alert_rules")
        ]
        return {"rules": [*built_in, *in_file, *given]}

    def put_rule(self, path: Path, body: Json) -> Json:
        name, author, definition = path["name"], _author(body), {k: v for k, v in body.items() if k != "author"}
        if definition.get("name", name) != name:
            raise BadRules(f"name {definition['name']!r} is not the address's {name!r}; leave it out of the body")
        own = own_rule({**definition, "name": name})
        self._not_of_file(name)
        row = {"name": name, "updated": _now(), "author": author, "removed": False}
        kept = {key: value for key, value in own.definition.items() if key != "name"}
        with self._writing:
            self._kept.write("alert_rules", row | {"definition": json.dumps(kept)})
        return {**own.definition, "source": "api", "author": author, "updated": row["updated"]}

    def remove_rule(self, path: Path, _body: Json) -> Json:
        self._not_of_file(path["name"])
        found = [row for row in self._kept.rows("alert_rules") if row["name"] == path["name"]]
        if not found:
            raise LookupError(f"no rule {path['name']!r} was given over the API; GET /api/v1/alerts/rules lists them")
        with self._writing:
            self._kept.write("alert_rules", found[0] | {"updated": _now(), "removed": True})
        return {"removed": path["name"]}

    def silences(self, _path: Path, _body: Json) -> Json:
        now = _now()
        alerts = self._active(now)
        book = self._from_file().with_kept(self._kept.book(now))
        muted = [{"fingerprint": one, "by": by} for one, by in inhibited(alerts).items()]
        shown = [_shown(one, alerts, now) for one in book.silences if now < one.until]
        return {"silences": shown, "inhibited": muted}

    def silence(self, _path: Path, body: Json) -> Json:
        now = _now()
        since = _moment(body, "since", now) if "since" in body else now
        until, matchers, reason = _moment(body, "until", now), body.get("matchers"), body.get("reason", "")
        if not isinstance(matchers, dict) or not matchers or not all(isinstance(v, str) for v in matchers.values()):
            raise BadRules(f'matchers is {matchers!r}; give labels and their values: {{"service": "batch"}}')
        if not isinstance(reason, str) or not reason.strip():
            raise BadRules("reason is empty; say why, for whoever misses the alert")
        if not since < until <= now + _LONGEST:
            raise BadRules(f"until {until.isoformat()} is no end; give a time after since, at most a year from now")
        kept = Silence(matchers, _author(body), reason, until, since, secrets.token_hex(8))
        row = {name: getattr(kept, name) for name in ("id", "author", "reason", "since", "until")}
        self._kept.write("silences", row | {"updated": now, "matchers": list(matchers.items())})
        return _shown(kept, self._active(now), now)

    def expire(self, path: Path, _body: Json) -> Json:
        now = _now()
        found = [row for row in self._kept.silences(now) if row["id"] == path["id"]]
        if not found:
            raise LookupError(f"no silence {path['id']!r} is on; GET /api/v1/alerts/silences lists them")
        ended = found[0] | {"updated": now, "until": now, "since": min(now, found[0]["since"])}
        self._kept.write("silences", ended)
        return {"id": path["id"], "until": now}

    def acknowledge(self, _path: Path, body: Json) -> Json:
        author, note = _author(body), body.get("note", "")
        if not isinstance(note, str):
            raise BadRules(f"note is {note!r}; give a text")
        asked = str(body.get("fingerprint", ""))
        now = _now()
        alert = next((one for one in self._active(now) if one.fingerprint == asked), None)
        if alert is None:
            raise LookupError(f"no alert with fingerprint {asked!r} is on; the query alerts tells of those that are")
        row = {"fingerprint": asked, "since": alert.since, "updated": now, "author": author, "note": note}
        return self._kept.write("acknowledgements", row)

    def channels(self, _path: Path, _body: Json) -> Json:
        return {"channels": list(self._notifiers)}

    def try_channel(self, path: Path, _: Json) -> Json:
        channel = self._notifiers.get(path["name"])
        if channel is None:
            there = ", ".join(self._notifiers) or "none"
            raise LookupError(f"channel {path['name']!r} is not configured; there are {there} (SPANLEDGER_ALERT_*)")
        sent = [(alert.state, channel.send(alert)) for alert in made_up(_now())]
        told = [{"state": state, "ok": one.ok, "detail": one.detail} for state, one in sent]
        return {"channel": channel.name, "ok": all(one.ok for _, one in sent), "deliveries": told}

    def backtest(self, _path: Path, body: Json) -> Json:
        days = body.get("days", 30)
        if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= 90:  # noqa: PLR2004
            raise BadRules(f"days is {days!r}; give a whole number from 1 to 90")
        name, draft = body.get("rule"), body.get("draft")
        if (name is None) == (draft is None):
            raise BadRules("give either rule, the name of one there is, or draft, a rule that is not in force")
        if name in RULES:
            return self._trial.built_in(str(name), days, _now())
        own = self._own(name) if draft is None else own_rule({"name": "draft", **_object(draft)})
        return self._trial.own(own, days, _now())

    def _own(self, name: object) -> Any:
        book = self._from_file().with_kept(self._kept.book(_now()))
        own = next((one for one in book.own if one.name == name), None)
        if own is None:
            raise LookupError(f"there is no rule {name!r}; GET /api/v1/alerts/rules lists them")
        return own

    def _not_of_file(self, name: str) -> None:
        if name in {one.name for one in self._from_file().own}:
            raise BadRules(f"rule {name!r} is of the file that SPANLEDGER_ALERT_RULES names; change it there")

    def _active(self, now: datetime) -> list[Alert]:
        rows = self._kept.rows("alerts", **{"from": now.isoformat()})
        return [alert for alert in map(record.to_alert, rows) if alert.state in ACTIVE]


def _shown(silence: Silence, alerts: Sequence[Alert], now: datetime) -> Json:
    """``silenced`` are the fingerprints of alerts that are on and not told because of it."""
    covered = [alert.fingerprint for alert in alerts if silence.covers(alert, now)]
    return {
        "id": silence.id or None,
        "source": "api" if silence.id else "file",
        "matchers": dict(silence.matchers),
        "author": silence.author,
        "reason": silence.reason,
        "since": silence.since,
        "until": silence.until,
        "silenced": covered,
    }


def _author(body: Json) -> str:
    author = body.get("author", "")
    if not isinstance(author, str) or not author.strip():
        raise BadRules(f"author is {author!r}; say who does this")
    return author.strip()


def _object(draft: object) -> Json:
    if not isinstance(draft, dict):
        raise BadRules(f"draft is {draft!r}; give a rule as an object with kind and what it needs")
    return draft


def _moment(body: Json, name: str, now: datetime) -> datetime:
    """RFC 3339 with a zone, or a length from now such as 2h."""
    from spanledger_collector.alerts.own_rules import duration

    given = body.get(name)
    try:
        if isinstance(given, str) and "T" not in given.upper():
            return now + duration(given)
        moment = datetime.fromisoformat(str(given).replace("Z", "+00:00"))
    except ValueError:
        moment = datetime.min  # noqa: DTZ901 - has no zone either
    if moment.tzinfo is None:
        raise BadRules(f"{name} is {given!r}; give a time with a zone, 2026-12-01T00:00:00Z, or a length such as 2h")
    return moment.astimezone(timezone.utc)


def _now() -> datetime:
    return datetime.now(timezone.utc)
