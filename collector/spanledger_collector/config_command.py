"""`spanledger config check|show`: whether a collector could be started with these settings, and which they are."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from spanledger_collector import configuration
from spanledger_collector.alerts import rulebook
from spanledger_collector.alerts.notify import configured
from spanledger_collector.configuration import FILE, SETTINGS, BadFile
from spanledger_collector.ledger import allocation
from spanledger_collector.pricing import Book
from spanledger_collector.review.schedule import planned

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from spanledger_collector.settings import Settings

FAILED: Final = 1


def main(argv: Sequence[str]) -> int:
    """Check the settings of a collector without starting it, or show them with where each comes from."""
    parser = argparse.ArgumentParser("spanledger config", description=main.__doc__)
    parser.add_argument("what", choices=("check", "show"))
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help=f"TOML (default: the one {FILE} names)")
    options = parser.parse_args(argv[1:] if argv[:1] == ["config"] else argv)
    file = options.file or (Path(os.environ[FILE]) if os.environ.get(FILE) else None)
    try:
        values = configuration.read(file) if file else {}
    except BadFile as error:
        return _told(error.faults)
    if options.what == "show":
        return _show(values)
    if faults := [*configuration.strangers(os.environ), *_faults({**values, **os.environ})]:
        return _told(faults)
    _say(f"{file or 'the environment'}: a collector can be started with these settings")
    return 0


def _faults(environ: Mapping[str, str]) -> list[str]:
    from spanledger_collector.command import settings_of

    found: list[str] = []
    settings = _tried(lambda: settings_of([], environ), found)
    alerting = {name: value for name, value in environ.items() if name.startswith("SPANLEDGER_ALERT_")}
    _tried(lambda: configured(alerting), found)
    _tried(lambda: rulebook.configured(alerting), found)
    _tried(lambda: planned(environ, settings.data if settings else Path()), found)
    if settings:
        _files(settings, found)
    return found


def _files(settings: Settings, found: list[str]) -> None:
    if settings.prices:
        _tried(lambda: Book(settings.prices), found)
    if path := settings.allocation:
        _tried(lambda: allocation.read(path), found)


def _tried(attempt: Callable[[], object], found: list[str]) -> Settings | None:
    """What it gives; why it cannot goes to `found`, with the setting's other names."""
    try:
        return attempt()  # type: ignore[return-value]  # only settings_of's is used
    except (ValueError, OSError) as error:
        text = str(error)
        names = [one for one in SETTINGS if (one.flag and f"{one.flag} " in text) or f"{one.variable}=" in text]
        found.append(f"{names[0].key}: {text}" if names else text)
    return None


def _show(values: Mapping[str, str]) -> int:
    for setting in SETTINGS:
        if setting.place != "service":
            given = os.environ.get(setting.variable)
            source = "variable" if given is not None else "file" if setting.variable in values else "default"
            value = given if given is not None else values.get(setting.variable, setting.default)
            _say(f"{setting.key} = {'(secret)' if setting.secret and value else value!r}  # {source}")
    return 0


def _told(faults: list[str]) -> int:
    for fault in faults:
        print(f"spanledger: {fault}", file=sys.stderr)  # noqa: T201 - the command's own voice
    return FAILED


def _say(text: str) -> None:
    print(text)  # noqa: T201 - the command's own voice
