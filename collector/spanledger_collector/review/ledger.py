"""Named queries over HTTP: the collector that runs owns the store, the review only asks."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Row = dict[str, Any]
_TIMEOUT_S = 120.0  # a month of a large ledger, from a busy collector


class LedgerUnavailable(Exception):
    """The collector could not be asked; the text says why and what to do."""


class Asking(Protocol):
    """A ledger, as a review knows it: rows of named queries, with money and times as the API's texts."""

    def ask(self, name: str, **params: str | Sequence[str]) -> list[Row]: ...

    def status(self) -> dict[str, Any]: ...


class Ledger:
    """``ask`` answers with rows of a named query; money stays the exact decimal string the API sends."""

    def __init__(self, api: str, token: str = "") -> None:
        if urlsplit(api).scheme not in {"http", "https"}:
            raise LedgerUnavailable(f"--api {api!r} is not an http(s) address; give one like http://127.0.0.1:4319")
        self._api = api.rstrip("/")
        self._headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})

    def ask(self, name: str, **params: str | Sequence[str]) -> list[Row]:
        body = self._call(f"query/{name}?{urlencode(params, doseq=True)}")
        return [dict(zip(body["columns"], row, strict=True)) for row in body["rows"]]

    def status(self) -> dict[str, Any]:
        """What the collector says about itself."""
        return self._call("status")

    def change(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Take one of the API's actions."""
        return self._call(path, method, json.dumps(body).encode())

    def _call(self, path: str, method: str = "GET", body: bytes | None = None) -> dict[str, Any]:
        url = f"{self._api}/api/v1/{path}"
        headers = self._headers | ({"Content-Type": "application/json"} if body else {})
        request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310 - the scheme is checked above
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as reply:  # noqa: S310
                answer: dict[str, Any] = json.load(reply)
        except urllib.error.HTTPError as error:
            raise LedgerUnavailable(f"{url} answered {error.code}: {_message(error)}") from error
        except (OSError, HTTPException, ValueError) as error:
            raise LedgerUnavailable(
                f"no collector answers at {self._api} ({error}); start one with `spanledger up` or point --api at it"
            ) from error
        return answer


class OwnLedger:
    """The collector's own: ``answer(name, params)`` is the API's JSON for a query, made in this process."""

    def __init__(
        self, answer: Callable[[str, Mapping[str, Sequence[str]]], bytes], status: Callable[[], Mapping[str, Any]]
    ) -> None:
        self._answer, self._status = answer, status

    def ask(self, name: str, **params: str | Sequence[str]) -> list[Row]:
        given = {key: [value] if isinstance(value, str) else value for key, value in params.items()}
        body = json.loads(self._answer(name, given))
        return [dict(zip(body["columns"], row, strict=True)) for row in body["rows"]]

    def status(self) -> dict[str, Any]:
        return dict(self._status())


def _message(error: urllib.error.HTTPError) -> str:
    if error.code in {401, 403}:
        return "set SPANLEDGER_TOKEN to the collector's token"
    try:
        return str(json.load(error)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return str(error.reason)
