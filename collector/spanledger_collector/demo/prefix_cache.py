"""What a provider's prompt cache would have read and written, from the text of the requests alone.

A simulated token is four characters, so a step of 128 tokens is 512 characters of the rendered prompt. OpenAI's spill
to other machines above some fifteen requests a minute is left out: it would make the counts depend on the clock.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from spanledger_collector.demo.cache_rules import AutomaticRule, MarkedRule

TOKEN_CHARS = 4
MOST_ENTRIES = 200_000
LIFETIMES_S = {"5m": 300.0, "1h": 3_600.0}


def count(text: str) -> int:
    """Tokens of a text by the simulator's rule: one for every four characters begun."""
    return -(-len(text) // TOKEN_CHARS)


@dataclass(frozen=True, slots=True)
class Block:
    """One cacheable piece of a prompt, in the provider's order; ``lifetime`` marks a breakpoint at its end."""

    text: str
    lifetime: str = ""  # "", "5m" or "1h"


@dataclass(frozen=True, slots=True)
class CacheUse:
    """Tokens of one request read from the cache and written to it, by lifetime."""

    read: int = 0
    write_5m: int = 0
    write_1h: int = 0


class CacheMarksInvalid(ValueError):
    """Breakpoints the provider refuses; the text is the provider's message to its user."""


@dataclass(slots=True)
class PrefixCache:
    """One provider's cache: prefix hash -> (time it dies, seconds it lives after each use)."""

    clock: Callable[[], float] = time.monotonic
    _entries: dict[bytes, tuple[float, float]] = field(default_factory=dict)

    def automatic(self, scope: str, text: str, rule: AutomaticRule, *, extended: bool = False) -> CacheUse:
        """Read the longest known prefix of whole steps, then remember every step of this one."""
        steps = [(tokens, digest) for tokens, digest in _steps(scope, text, rule.step) if tokens >= rule.minimum]
        alive = [tokens for tokens, digest in steps if self._touch(digest)]
        life = rule.long_idle_s if extended else rule.idle_s
        for _, digest in steps:
            self._remember(digest, life)
        read = max(alive, default=0)
        longest = steps[-1][0] if steps else 0
        return CacheUse(read, longest - read if rule.writes_charged else 0)

    def marked(self, scope: str, blocks: Sequence[Block], rule: MarkedRule) -> CacheUse:
        """Read the longest prefix written at an earlier breakpoint, write what lies behind it.

        Raises CacheMarksInvalid for too many breakpoints, or a one-hour one behind a five-minute one.
        """
        marks = [index for index, block in enumerate(blocks) if block.lifetime]
        _check_marks([blocks[index].lifetime for index in marks], rule.breakpoints)
        ends = list(_ends(scope, blocks))
        marks = [index for index in marks if ends[index][0] >= rule.minimum]
        candidates = {i for mark in marks for i in range(max(0, mark - rule.look_back), mark + 1)}
        read = max((ends[i][0] for i in candidates if self._touch(ends[i][1])), default=0)
        for mark in marks:
            self._remember(ends[mark][1], LIFETIMES_S[blocks[mark].lifetime])
        reach = dict.fromkeys(LIFETIMES_S, read)
        for mark in marks:
            reach[blocks[mark].lifetime] = max(read, ends[mark][0])
        return CacheUse(read, max(0, reach["5m"] - reach["1h"]), reach["1h"] - read)

    def _touch(self, digest: bytes) -> bool:
        """Whether an entry is alive; using it extends its life."""
        entry = self._entries.get(digest)
        if entry is None or entry[0] < self.clock():
            return False
        self._remember(digest, entry[1])
        return True

    def _remember(self, digest: bytes, life_s: float) -> None:
        now = self.clock()
        if len(self._entries) >= MOST_ENTRIES:
            self._entries = {key: entry for key, entry in self._entries.items() if entry[0] >= now}
        if len(self._entries) >= MOST_ENTRIES:
            self._entries.clear()  # a provider evicts under pressure too
        self._entries[digest] = (now + life_s, life_s)


def _steps(scope: str, text: str, step: int) -> Iterator[tuple[int, bytes]]:
    """(tokens, hash) after each whole step of the text."""
    chain = blake2b(scope.encode(), digest_size=16)
    width = step * TOKEN_CHARS
    for end in range(width, len(text) + 1, width):
        chain.update(text[end - width : end].encode())
        yield end // TOKEN_CHARS, chain.digest()


def _ends(scope: str, blocks: Sequence[Block]) -> Iterator[tuple[int, bytes]]:
    """(tokens, hash) after each block."""
    chain = blake2b(scope.encode(), digest_size=16)
    tokens = 0
    for block in blocks:
        tokens += count(block.text)
        chain.update(b"\0" + block.text.encode())
        yield tokens, chain.digest()


def _check_marks(lifetimes: Sequence[str], most: int) -> None:
    if len(lifetimes) > most:
        raise CacheMarksInvalid(
            f"A maximum of {most} blocks with cache_control may be provided. Found {len(lifetimes)}."
        )
    unknown = next((lifetime for lifetime in lifetimes if lifetime not in LIFETIMES_S), None)
    if unknown is not None:
        raise CacheMarksInvalid(f"cache_control.ephemeral.ttl: Input should be '5m' or '1h', not '{unknown}'")
    if list(lifetimes) != sorted(lifetimes):  # "1h" sorts before "5m"
        raise CacheMarksInvalid("a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block")
