"""What a watch says at one moment: what is wrong, where, and since when."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from spanledger_collector.alerts.anomaly.bands import Band
    from spanledger_collector.alerts.anomaly.evidence import Floats
    from spanledger_collector.alerts.anomaly.facts import Places
    from spanledger_collector.alerts.anomaly.ring import Ring

Level = Literal["cell", "group", "provider", "fleet"]
Family = Literal["failures", "volume", "latency", "tokens", "cache", "price", "unpriced"]
FAMILIES: Final[tuple[Family, ...]] = ("failures", "volume", "price", "cache", "latency", "tokens", "unpriced")
"""In the order in which one explains the next: a later family is silent where an earlier one has an incident."""

FIRE: Final = 14.0  # nats


@dataclass(frozen=True, slots=True)
class Scope:
    """Where: the number of a cell or group, or the name of a provider."""

    level: Level
    place: int = -1
    provider: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """``seen`` and ``expected`` are in ``unit``, over the ``minutes`` that end now."""

    family: Family
    kind: str
    scope: Scope
    minutes: int
    nats: float
    seen: float
    expected: float
    unit: str
    of: float  # calls they were measured on
    dimension: Mapping[str, str] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True, slots=True)
class Driver:
    """Who made calls in a window; ``usual_share`` is of the group's calls in the week before it."""

    dimension: str
    value: str
    calls: float
    usual_share: float
    cost: float


@dataclass(frozen=True, slots=True)
class Fleet:
    """Minutes since all traffic together was last unusual, 0 while it is, and whether there was too little of it."""

    free: float
    fell: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """The last six hours of a series against what was usual, by cell; ``lasting`` where both halves of them say so.

    ``by`` is how far, as the watch counts it, for ``move``.
    """

    series: str
    unit: str
    before: Floats
    after: Floats
    by: Floats
    lasting: NDArray[np.bool_]


@dataclass(slots=True)
class View:
    """One moment, as every watch sees it. ``usable[family][cell]`` are the minutes free of earlier incidents."""

    now: datetime  # end of the latest bucket
    step_minutes: int
    places: Places
    group_of: NDArray[np.int64]  # of each cell
    providers: Mapping[str, NDArray[np.int64]]  # cells of each
    cells: Ring
    usable: Mapping[Family, Floats]
    fleet: Fleet
    drivers: Callable[[int, datetime, datetime], Sequence[Driver]]

    def by_group(self, values: Floats) -> Floats:
        """Sums over the cells of each group."""
        return np.bincount(self.group_of, weights=values, minlength=len(self.places.groups)).astype(np.float64)

    def usable_group(self, family: Family) -> Floats:
        """The worst of a group's cells."""
        least = np.full(len(self.places.groups), np.inf)
        np.minimum.at(least, self.group_of, self.usable[family])
        return least


@dataclass(slots=True)
class Found:
    """``lingers`` tells of an incident under way whether its place is still not well."""

    signals: list[Signal]
    lingers: Callable[[Scope], bool]


class Watch(Protocol):
    """One kind of trouble. ``learn`` gets hours that are old enough, cells in trouble hidden by ``seen``."""

    @property
    def family(self) -> Family: ...

    def widen(self, cells: int, groups: int) -> None: ...

    def judge(self, view: View) -> Found: ...

    def learn(self, hour: datetime, buckets: Floats, seen: Floats, view: View) -> None: ...

    def settle(self, scope: Scope, view: View) -> None:
        """What the last six hours were is usual from now on."""

    def bands(self, view: View) -> Iterator[Band]:
        """Of the hour that just ended, as it was judged."""


@runtime_checkable
class Levelled(Watch, Protocol):
    """Whose level a deploy may change for good. Failures have none: they are told whatever was deployed."""

    def moved(self, view: View) -> Moved: ...

    def move(self, cell: int, off: float) -> None:
        """What was usual is so much more from now on, as ``moved`` counts it."""
