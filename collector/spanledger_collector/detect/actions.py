"""Deciding about a finding, over the API."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from spanledger_collector.detect.lifecycle import DECISIONS, Decision

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spanledger_collector.detect import Detectors

DOC = "Decide about a finding: accepted, fixed (its savings are then verified), dismissed for 90 days, or open again."
BODY = {
    "type": "object",
    "required": ["status", "by"],
    "properties": {
        "status": {"type": "string", "enum": list(DECISIONS)},
        "by": {"type": "string", "description": "Who decides."},
        "note": {"type": "string"},
    },
}


def decide(detectors: Detectors, path: Mapping[str, str], body: dict[str, Any]) -> Mapping[str, Any]:
    """Raises BadDecision, and LookupError for a finding that is not there."""
    decision = Decision(*(str(body.get(name, "")) for name in ("status", "by", "note")))
    return detectors.decide(path["id"], decision, datetime.now(timezone.utc))
