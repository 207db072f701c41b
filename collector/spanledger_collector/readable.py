"""The records of a sealed segment that can still be read; what cannot is counted and told."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from spanledger_collector.wal import Damage, Record, Segment, records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanledger_collector.counters import Counters

logger = logging.getLogger(__name__)


def readable(segment: Segment, counters: Counters) -> Iterator[Record]:
    """Raises OSError when the medium does."""
    for item in _items(segment, counters):
        if isinstance(item, Damage):
            counters.add("spanledger_log_damaged_records_total", kind=item.kind)
            log = logger.info if item.kind == "torn" else logger.error
            log("%s: %d bytes at %d are unreadable (%s)", segment.path, item.size, item.offset, item.kind)
        else:
            yield item


def _items(segment: Segment, counters: Counters) -> Iterator[Record | Damage]:
    try:
        content = segment.read()
    except FileNotFoundError:
        counters.add("spanledger_log_damaged_records_total", kind="missing")
        logger.error("%s is gone: somebody deleted it before it was worked off", segment.path)  # noqa: TRY400
        return iter(())
    return records(content)
