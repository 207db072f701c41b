"""How much of the ledger the anomaly engine has read: what is loaded into a time it has judged is to be learned too."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spanledger_collector.alerts.anomaly.facts import AT

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from spanledger_collector.alerts.anomaly.facts import Bucket

_LOOKS: Final = timedelta(days=70)  # back at most
_MANY: Final = 1000  # calls
_SHARE: Final = 0.2  # of what was read: a sender's spool after an outage is less, and no reason to start over
_STILL: Final = 1.05  # times what was late at the last look: no more of it arrives


class Read:
    """What was read of the ledger since ``begin``: all older calls are known or no longer matter."""

    def __init__(self) -> None:
        self._since: datetime | None = None
        self._calls = 0
        self._looked: datetime | None = None
        self._late = 0  # at the last look

    def begin(self, since: datetime) -> None:
        self._since, self._calls = since, 0

    def add(self, bucket: Bucket, length: timedelta) -> None:
        if self._since is None or bucket.end - self._since > _LOOKS:
            self.begin(bucket.end - length)
        self._calls += int(bucket.values[AT["calls"]].sum())

    def is_behind(self, count: Callable[[datetime, datetime], int], until: datetime) -> bool:
        """Whether the ledger has many more calls until then by now, and no more of them arrive. It looks once for each
        ``until``, and each time while they do.
        """
        if self._since is None or (until == self._looked and not self._late):
            return False
        late = count(self._since, until) - self._calls
        self._looked, before = until, self._late
        self._late = late if late >= max(_MANY, _SHARE * self._calls) else 0
        return 0 < self._late <= _STILL * before
