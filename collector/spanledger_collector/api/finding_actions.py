"""Deciding about a finding."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.detect.lifecycle import DECISIONS, Decision

from .actions import Action

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spanledger_collector.detect import Detectors

_DOC: Final = (
    "Decide about a finding: accepted, fixed (its savings are then verified), dismissed for 90 days, or open again."
)
_BODY: Final = {
    "type": "object",
    "required": ["status", "by"],
    "properties": {
        "status": {"type": "string", "enum": list(DECISIONS)},
        "by": {"type": "string", "description": "Who decides."},
        "note": {"type": "string"},
    },
}


def finding_actions(detectors: Detectors) -> tuple[Action, ...]:
    def decide(path: Mapping[str, str], body: dict[str, Any]) -> Mapping[str, Any]:
        decision = Decision(*(str(body.get(name, "")) for name in ("status", "by", "note")))
        return detectors.decide(path["id"], decision, datetime.now(timezone.utc))

    return (Action("POST", "/findings/{id}", _DOC, decide, _BODY),)
