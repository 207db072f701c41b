"""Newer editions of the published price book than the bundled one: read from a file or fetched, compared, kept."""

from __future__ import annotations

import json
import os
import urllib.request
from datetime import datetime, timezone
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from genai_prices import types
from genai_prices.update_prices import DEFAULT_UPDATE_URL

from spanledger_collector.pricing import published
from spanledger_collector.pricing.documents import PriceFileError
from spanledger_collector.pricing.explanation import plain
from spanledger_collector.pricing.rates import PARTS, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from genai_prices.types import Provider

FILE: Final = "prices.json"  # in the data directory
FEWEST_MODELS: Final = 100  # a whole edition has thousands: fewer would price nearly everything as unknown
URL: Final = "SPANLEDGER_PRICES_URL"
MOST_BYTES: Final = 64 * 2**20  # an edition has less than one
_TIMEOUT_S: Final = 20
_ELSE: Final = "the edition in use stays; without a network, give a data.json as a file"
_REMEDY: Final = "give a whole edition, prices/new_data/v2/data.json of github.com/pydantic/genai-prices"

Rates = dict[tuple[str, str], dict[str, str]]  # provider and model -> part -> rate as it is quoted


def fetch(environment: Mapping[str, str] = os.environ) -> bytes:
    """The newest edition over the network, whole. Raises PriceFileError with what failed and the remedy."""
    url = environment.get(URL) or DEFAULT_UPDATE_URL
    if urlsplit(url).scheme not in {"http", "https"}:
        raise PriceFileError(f"{URL} is {url!r}: give an http(s) address, such as {DEFAULT_UPDATE_URL}")
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as reply:  # noqa: S310 - the scheme is checked above
            body: bytes = reply.read(MOST_BYTES + 1)
            missing = reply.length
    except (OSError, HTTPException) as error:
        raise _unfetched(url, str(error) or type(error).__name__) from error
    if len(body) > MOST_BYTES:
        raise _unfetched(url, f"more than {MOST_BYTES:,} bytes, which no edition has")
    if missing:
        raise _unfetched(url, f"cut off {missing:,} bytes before its end")
    return body


def _unfetched(url: str, why: str) -> PriceFileError:
    return PriceFileError(f"{url}: the newest edition cannot be fetched ({why}); {_ELSE}")


def read(content: bytes, place: str, fewest: int = FEWEST_MODELS) -> list[Provider]:
    """The providers of an edition. Raises PriceFileError with what is wrong and the remedy."""
    try:
        raw = json.loads(content)
        providers: list[Provider] = types._providers_from_raw(raw)  # noqa: SLF001 - the library has no other reader
    except Exception as error:
        text = str(error).splitlines()[0][:200]
        raise PriceFileError(f"{place}: is no edition of genai-prices ({text}); {_REMEDY}") from error
    models = sum(len(one.models) for one in providers)
    if models < fewest:
        raise PriceFileError(f"{place}: has {models} models; {_REMEDY}")
    return providers


def adopt(path: Path) -> bool:
    """Price by the edition kept there, if there is one. Raises PriceFileError when it cannot be used."""
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise PriceFileError(f"{path}: cannot be read ({error.strerror}); make it readable or delete it") from error
    kept = datetime.fromtimestamp(path.stat().st_mtime, timezone.utc)
    published.use(read(content, str(path)), f"genai-prices, fetched {kept:%Y-%m-%d}")
    return True


def keep(content: bytes, path: Path) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)


def rates(providers: Mapping[str, Provider], now: datetime) -> Rates:
    """Every model's standard price at that time, for the smallest prompts."""
    return {
        (name, info.id): dict(_quoted(published.PublishedModel(name, info, own=True), now))
        for name, provider in providers.items()
        for info in provider.models
    }


def _quoted(model: published.PublishedModel, now: datetime) -> Iterator[tuple[str, str]]:
    for part, rate in model.standard(now).steps[-1][1].items():
        yield part, f"${plain(quoted(part, rate))}/{PARTS[part].label}"


def difference(old: Rates, new: Rates) -> list[str]:
    """Lines of text, one per model that came, went or changed."""
    lines = [f"+ {'/'.join(key)}  {_words(new[key])}" for key in sorted(new.keys() - old.keys())]
    lines += [f"- {'/'.join(key)}" for key in sorted(old.keys() - new.keys())]
    for key in sorted(old.keys() & new.keys()):
        before, after = old[key], new[key]
        changed = [part for part in PARTS if before.get(part) != after.get(part)]
        if changed:
            moves = (f"{part} {before.get(part, 'none')} -> {after.get(part, 'none')}" for part in changed)
            lines.append(f"~ {'/'.join(key)}  {', '.join(moves)}")
    return lines


def _words(given: Mapping[str, Any]) -> str:
    return ", ".join(f"{part} {rate}" for part, rate in given.items()) or "no rate"
