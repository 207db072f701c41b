"""Every rule that is on without being asked for, and what it compares. Names are taken: own rules have others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spanledger_collector.alerts import budget_burn, spend, users
from spanledger_collector.alerts.anomaly import wording

if TYPE_CHECKING:
    from collections.abc import Mapping

RULES: Final[Mapping[str, str]] = {**wording.RULES, **spend.RULES, **budget_burn.RULES, **users.RULES}
