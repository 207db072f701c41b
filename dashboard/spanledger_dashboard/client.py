"""The only way to the ledger: the collector's HTTP API. Tables come as Arrow, so money arrives as exact Decimal."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

import httpx
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

DEFAULT_API: Final = "http://127.0.0.1:4319"
API_VARIABLE: Final = "SPANLEDGER_API"
TOKEN_VARIABLE: Final = "SPANLEDGER_TOKEN"  # noqa: S105 - the variable's name
ARROW_STREAM: Final = "application/vnd.apache.arrow.stream"
# A query over months may take seconds on a small machine; a dead host should show within two.
_TIMEOUT: Final = httpx.Timeout(30, connect=2)

Params = tuple[tuple[str, str], ...]
Trouble = Literal["unreachable", "refused", "rejected", "failed", "unreadable"]


class ApiError(Exception):
    """The API gave no answer a page can use: ``trouble`` says in which way, the text says it to a person."""

    def __init__(self, trouble: Trouble, message: str) -> None:
        super().__init__(message)
        self.trouble: Final[Trouble] = trouble


@dataclass(frozen=True, slots=True)
class Client:
    """Reads named queries and the status. Safe to share between threads."""

    url: str
    http: httpx.Client

    @classmethod
    def at(cls, url: str, token: str | None = None) -> Client:
        """A client for the API at a base URL; ValueError when that is no address."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # A proxy from the environment is for the outside world, not for this machine.
        http = httpx.Client(
            base_url=checked_url(url), headers=headers, timeout=_TIMEOUT, trust_env=not is_loopback(url)
        )
        return cls(url.rstrip("/"), http)

    def table(self, query: str, params: Sequence[tuple[str, str]] = ()) -> pa.Table:
        """One named query's rows; money columns are decimal128."""
        reply = self._get(f"/api/v1/query/{query}", params, ARROW_STREAM)
        try:
            return pa.ipc.open_stream(reply.content).read_all()
        except (pa.ArrowInvalid, OSError) as error:
            raise ApiError(
                "unreadable", f"{self._place(query)} did not answer with an Arrow stream: {error}"
            ) from error

    def status(self) -> dict[str, Any]:
        """What the collector says about itself."""
        return self._object("/api/v1/status")

    def rights(self) -> dict[str, Any]:
        """``rights`` that the token opens, and whether the collector asks for one: ``token_needed``."""
        return self._object("/api/v1/rights")

    def told(self, path: str, params: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
        """A JSON object below /api/v1."""
        return self._object(f"/api/v1{path}", params)

    def file(self, path: str, params: Sequence[tuple[str, str]] = ()) -> bytes:
        """A document below /api/v1."""
        return self._get(f"/api/v1{path}", params, "*/*").content

    def act(self, method: str, path: str, body: Mapping[str, Any], patience_s: float = 30) -> Any:
        """Change something below /api/v1; what the API answers."""
        wait = httpx.Timeout(patience_s, connect=2)
        reply = self._sent(lambda: self.http.request(method, f"/api/v1{path}", json=dict(body), timeout=wait))
        return self._json(reply, path)

    def _object(self, path: str, params: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
        answer = self._json(self._get(path, params, "application/json"), path.rpartition("/")[2])
        if not isinstance(answer, dict):
            place = self._place(path.rpartition("/")[2])
            raise ApiError("unreadable", f"{place} answered {type(answer).__name__}, not an object.")
        return answer

    def _json(self, reply: httpx.Response, what: str) -> Any:
        try:
            return reply.json()
        except ValueError as error:
            raise ApiError("unreadable", f"{self._place(what)} sent no JSON: {error}") from error

    def _get(self, path: str, params: Sequence[tuple[str, str]], accept: str) -> httpx.Response:
        return self._sent(lambda: self.http.get(path, params=list(params), headers={"Accept": accept}))

    def _sent(self, send: Callable[[], httpx.Response]) -> httpx.Response:
        try:
            reply = send()
        except httpx.TimeoutException as error:
            raise ApiError("unreachable", f"{self.url} did not answer in time ({type(error).__name__}).") from error
        except httpx.HTTPError as error:
            raise ApiError("unreachable", f"{self.url} cannot be reached: {error}.") from error
        if reply.status_code != httpx.codes.OK:
            raise _refusal(reply)
        return reply

    def _place(self, what: str) -> str:
        return f"{what} at {self.url}"


def _refusal(reply: httpx.Response) -> ApiError:
    said = f"{reply.request.url.path} answered {reply.status_code}: {_message(reply).rstrip('.')}."
    if reply.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        return ApiError("refused", said)
    return ApiError("rejected" if reply.is_client_error else "failed", said)


def _message(reply: httpx.Response) -> str:
    """The API's own words where it has some."""
    try:
        return str(reply.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return reply.reason_phrase or "no reason given"


def checked_url(url: str) -> str:
    """The same URL, or ValueError naming what is wrong with it."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{url!r} is not an API address: give scheme and host, such as {DEFAULT_API}")
    return url


def is_loopback(url: str) -> bool:
    """Whether a URL names this machine."""
    return loopback_host(urlsplit(url).hostname or "")


def loopback_host(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
