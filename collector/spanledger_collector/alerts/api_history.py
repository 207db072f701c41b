"""The ledger of a running collector as a history, through its API: the store has one owner."""

from __future__ import annotations

import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone
from http.client import HTTPException
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import pyarrow as pa

from spanledger_collector.alerts.backtest import deploys
from spanledger_collector.alerts.notify.http import address
from spanledger_collector.alerts.stored_calls import StoredCalls

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from spanledger_collector.alerts.anomaly.facts import Bucket
    from spanledger_collector.alerts.backtest import Event

_LEARNED: Final = timedelta(days=21)  # before the days asked for, so that the first of them is judged by a past
_TIMEOUT_S: Final = 120.0


class ApiHistory(StoredCalls):
    """``buckets`` are those of the last ``days`` and of three weeks before, as far as the ledger goes back."""

    def __init__(self, api: str, token: str, days: int) -> None:
        """Raises ValueError for an address that cannot work."""
        super().__init__(self.ask)
        self._api, self._days = address("--api", api, "http://127.0.0.1:4319").rstrip("/"), days
        self._headers = {"Accept": "application/vnd.apache.arrow.stream"}
        self._headers |= {"Authorization": f"Bearer {token}"} if token else {}

    def buckets(self) -> Iterator[Bucket]:
        now = datetime.now(timezone.utc)
        first, end = self.first_call(), now.replace(minute=now.minute // 5 * 5, second=0, microsecond=0)
        if first is not None:
            wanted = (now - timedelta(days=self._days) - _LEARNED).replace(minute=0, second=0, microsecond=0)
            yield from self.between(max(first, wanted), end)

    def events(self) -> list[Event]:
        """Deploys of those days."""
        now = datetime.now(timezone.utc)
        return deploys(self.ask, now - timedelta(days=self._days), now)

    def ask(self, name: str, params: Mapping[str, Sequence[str]]) -> pa.Table:
        url = f"{self._api}/api/v1/query/{name}?{urlencode(params, doseq=True)}"
        request = urllib.request.Request(url, headers=self._headers)  # noqa: S310 - checked by address()
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as reply:  # noqa: S310
                return pa.ipc.open_stream(reply.read()).read_all()
        except urllib.error.HTTPError as error:
            with error:
                said = error.read(300).decode("utf-8", "replace")
            raise ValueError(f"{url} answered {error.code}: {said}") from error
        except (OSError, HTTPException) as error:
            raise ValueError(
                f"no collector answers at {self._api} ({error}); start one with `spanledger up` or point --api at it"
            ) from error
