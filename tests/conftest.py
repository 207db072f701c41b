"""Fixtures that every part's tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanledger_collector.demo.simulator import Simulator


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """Every provider on loopback, remembering nothing of other tests."""
    from spanledger_collector.demo.simulator import Simulator

    with Simulator() as running:
        yield running
