"""Made-up prompts as lists of pieces, and the fingerprints that the library would have told of them."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from spanledger import semconv

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from spanledger_collector.demo.history.wire import Value

CHARS_PER_TOKEN: Final = 4
BLOCK: Final = 512
HASH: Final = 6  # bytes per block


@dataclass(frozen=True, slots=True)
class Piece:
    """So many tokens of text; pieces with one ``key`` have the same. ``volatile``: what kind of text changes in it."""

    key: str
    tokens: int
    volatile: str = ""

    @property
    def chars(self) -> int:
        return self.tokens * CHARS_PER_TOKEN


@dataclass(frozen=True, slots=True)
class Prompt:
    """As the provider's cache sees it: tools, then system, then messages. ``meaning`` of tools, however written."""

    messages: tuple[Piece, ...]
    system: tuple[Piece, ...] = ()
    tools: tuple[Piece, ...] = ()
    meaning: tuple[Piece, ...] = ()
    marked: bool = False  # for the cache, up to the end of the system message
    parts: int = 1

    @property
    def sections(self) -> tuple[tuple[Piece, ...], ...]:
        return self.tools, self.system, self.messages

    def told(self) -> dict[str, Value]:
        whole = self.tools + self.system + self.messages
        sizes = tuple(sum(piece.chars for piece in section) for section in self.sections)
        meaning = self.meaning or self.tools
        told: dict[str, Value] = {
            semconv.PREFIX_BLOCK_CHARS: BLOCK,
            semconv.PREFIX_SECTION_CHARS: sizes,
            semconv.PREFIX_BLOCKS: _chain([(piece.key, piece.chars) for piece in whole]),
            semconv.PROMPT_MESSAGES: len(self.messages),
            semconv.PROMPT_PARTS: self.parts,
            semconv.PROMPT_ROLES: ("system", "user"),
            semconv.PROMPT_ROLE_CHARS: sizes[1:],
            semconv.INPUT_CHARS: sum(sizes),
            semconv.FINGERPRINT_REQUEST: _hash(whole),
            semconv.FINGERPRINT_MESSAGES: _hash(self.messages),
        }
        if self.system:
            told[semconv.FINGERPRINT_SYSTEM] = _hash(self.system)
        if self.tools:
            told[semconv.FINGERPRINT_TOOLS] = _hash(self.tools)
            told[semconv.FINGERPRINT_TOOLS_CANONICAL] = _hash(meaning)
            told[semconv.FINGERPRINT_TOOLS_SORTED] = _hash(sorted(meaning, key=lambda piece: piece.key))
        if self.marked:
            told[semconv.PREFIX_BREAKPOINTS] = (sizes[0] + sizes[1],)
        return told | self._volatile(whole)

    def _volatile(self, whole: Sequence[Piece]) -> dict[str, Value]:
        found = [(piece.volatile, start) for piece, start in _placed(whole) if piece.volatile]
        if not found:
            return {}
        return {
            semconv.PREFIX_MASKED_BLOCKS: _chain([(piece.volatile or piece.key, piece.chars) for piece in whole]),
            semconv.VOLATILE_KINDS: tuple(kind for kind, _ in found),
            semconv.VOLATILE_OFFSETS: tuple(start for _, start in found),
        }


def _placed(pieces: Sequence[Piece]) -> Iterator[tuple[Piece, int]]:
    start = 0
    for piece in pieces:
        yield piece, start
        start += piece.chars


def _hash(pieces: Sequence[Piece]) -> str:
    return blake2b("/".join(f"{piece.key} {piece.tokens}" for piece in pieces).encode(), digest_size=16).hexdigest()


def _chain(pieces: Sequence[tuple[str, int]]) -> str:
    """Of each full block the hash of all text from the start."""
    text, hashes, filled = blake2b(digest_size=HASH), [], 0
    for key, chars in pieces:
        at = 0
        while at < chars:
            taken = min(chars - at, BLOCK - filled)
            text.update(f"{key} {at} {taken};".encode())
            at, filled = at + taken, (filled + taken) % BLOCK
            if not filled:
                hashes.append(text.copy().hexdigest())
    return "".join(hashes)
