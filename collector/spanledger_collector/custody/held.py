"""A data directory that no collector may use while it is copied, checked or moved."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from spanledger_collector.store import StoreOwned
from spanledger_collector.wal.segment import LogOwned, own, sealed_segments

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from spanledger_collector.wal import Segment


class CustodyFault(Exception):
    """What was asked cannot be done; the text names the thing and the remedy."""


@contextmanager
def held(data: Path) -> Iterator[None]:
    """Own `data` until the block ends: a collector that is started meanwhile is refused. Raises CustodyFault."""
    if not (data / "wal").is_dir():
        raise CustodyFault(f"{data} is no data directory of a collector: give the right one with --data")
    try:
        descriptor = own(data / "wal")
    except LogOwned as error:
        who = str(error).partition("(")[2].partition(")")[0] or "a collector"
        raise CustodyFault(
            f"{data} is in use by a running collector ({who}): stop it first; senders behind an agent "
            "(spanledger collect --agent) lose nothing meanwhile"
        ) from None
    except OSError as error:
        raise CustodyFault(f"{data} cannot be used: {error.strerror} ({error.filename})") from error
    try:
        yield
    except StoreOwned as error:
        raise CustodyFault(str(error)) from error
    finally:
        os.close(descriptor)


def segments(data: Path) -> list[Segment]:
    """What the log holds that the store does not have yet, oldest first. An empty segment holds nothing."""
    return [segment for segment in sealed_segments(data / "wal") if segment.size]
