"""Named queries over HTTP: the collector that runs owns the store, the review only asks."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = dict[str, Any]
_TIMEOUT_S = 120.0  # a month of a large ledger, from a busy collector


class LedgerUnavailable(Exception):
    """The collector could not be asked; the text says why and what to do."""


class Ledger:
    """``ask`` answers with rows of a named query; money stays the exact decimal string the API sends."""

    def __init__(self, api: str, token: str = "") -> None:
        if urlsplit(api).scheme not in {"http", "https"}:
            raise LedgerUnavailable(f"--api {api!r} is not an http(s) address; give one like http://127.0.0.1:4319")
        self._api = api.rstrip("/")
        self._headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})

    def ask(self, name: str, **params: str | Sequence[str]) -> list[Row]:
        url = f"{self._api}/api/v1/query/{name}?{urlencode(params, doseq=True)}"
        request = urllib.request.Request(url, headers=self._headers)  # noqa: S310 - the scheme is checked above
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as reply:  # noqa: S310
                body = json.load(reply)
        except urllib.error.HTTPError as error:
            raise LedgerUnavailable(f"{url} answered {error.code}: {_message(error)}") from error
        except (OSError, HTTPException, ValueError) as error:
            raise LedgerUnavailable(
                f"no collector answers at {self._api} ({error}); start one with `spanledger up` or point --api at it"
            ) from error
        return [dict(zip(body["columns"], row, strict=True)) for row in body["rows"]]


def _message(error: urllib.error.HTTPError) -> str:
    if error.code in {401, 403}:
        return "set SPANLEDGER_TOKEN to the collector's token"
    try:
        return str(json.load(error)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return str(error.reason)
