"""The running collector, which owns the ledger: commands ask it over its API."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIMEOUT_S: Final = 600.0  # a large day, priced again by a busy collector
_TOKENS: Final = ("SPANLEDGER_ADMIN_TOKEN", "SPANLEDGER_TOKEN")


class CollectorRefused(Exception):
    """The collector could not be asked or refused; the text says why and what to do."""


class Collector:
    """``api`` is its address; the token comes from the environment."""

    def __init__(self, api: str) -> None:
        if urlsplit(api).scheme not in {"http", "https"}:
            raise CollectorRefused(f"--api {api!r} is no http(s) address; give one like http://127.0.0.1:4319")
        self._api = api.rstrip("/")

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer's JSON. Raises CollectorRefused."""
        data = None if body is None else json.dumps(body).encode()
        token = next(filter(None, map(os.environ.get, _TOKENS)), "")
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
        url = f"{self._api}/api/v1{path}"
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - the scheme is checked above
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as reply:  # noqa: S310
                return json.load(reply)
        except urllib.error.HTTPError as error:
            raise CollectorRefused(_message(error)) from error
        except (OSError, HTTPException, ValueError) as error:
            raise CollectorRefused(
                f"no collector answers at {self._api} ({error}); start one with `spanledger up` or point --api at it"
            ) from error

    def ask(self, query: str, **params: str) -> list[dict[str, Any]]:
        """Rows of a named query; money is an exact decimal text."""
        body = self.send("GET", f"/query/{query}?{urlencode({**params, 'format': 'json'})}")
        return [dict(zip(body["columns"], row, strict=True)) for row in body["rows"]]


def _message(error: urllib.error.HTTPError) -> str:
    if error.code in {401, 403}:
        return f"the collector wants a token with the right: set {' or '.join(_TOKENS)}"
    try:
        return str(json.load(error)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"the collector answered {error.code} {error.reason}"
