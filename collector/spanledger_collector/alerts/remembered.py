"""What own rules ask about single users, for a while: no rollup knows users, so all calls of a month are read."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from spanledger_collector.alerts.stored_calls import RunQuery

FOR: Final = timedelta(minutes=5)
_Key = tuple[str, tuple[tuple[str, tuple[str, ...]], ...]]


class Remembered:
    """Answers a user's calls since the same moment as it did less than five minutes before; all else is asked."""

    def __init__(self, run_query: RunQuery) -> None:
        self._run_query = run_query
        self._kept: dict[_Key, tuple[datetime, pa.Table]] = {}

    def __call__(self, name: str, params: Mapping[str, Sequence[str]]) -> pa.Table:
        if "user" not in params or "to" not in params:
            return self._run_query(name, params)
        now = datetime.fromisoformat(params["to"][0])
        self._kept = {key: kept for key, kept in self._kept.items() if timedelta(0) <= now - kept[0] < FOR}
        key = name, tuple(sorted((name, tuple(texts)) for name, texts in params.items() if name != "to"))
        if key not in self._kept:
            self._kept[key] = now, self._run_query(name, params)
        return self._kept[key][1]
