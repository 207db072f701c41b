"""Made-up fingerprints of made-up prompts: no text was hashed, but chains part and agree where prompts would."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from spanledger import semconv

if TYPE_CHECKING:
    from random import Random

    from spanledger_collector.demo.history.sources import Source
    from spanledger_collector.demo.history.wire import Value

CHARS_PER_TOKEN = 4
BLOCK = 512
HASH = 6  # bytes per block
TIME_AT = 14  # characters: behind the role and "It is "
ID_AT = 1_240  # of an instruction that the release with the lost cache wrote its id into


def fingerprints(source: Source, random: Random, input_tokens: int, *, id_in_front: bool) -> dict[str, Value]:
    """Of a prompt whose first ``source.instructions`` tokens are the same in every call, but for volatile text."""
    chars = input_tokens * CHARS_PER_TOKEN
    tools, system = source.tools * CHARS_PER_TOKEN, (source.instructions - source.tools) * CHARS_PER_TOKEN
    blocks, stable = chars // BLOCK, min(tools + system, chars) // BLOCK
    same, own = _stable(source.name, stable), random.randbytes((blocks - stable) * HASH).hex()
    told: dict[str, Value] = {
        semconv.PREFIX_BLOCK_CHARS: BLOCK,
        semconv.PREFIX_SECTION_CHARS: (tools, system, max(0, chars - tools - system)),
        semconv.PREFIX_BLOCKS: same + own,
        semconv.PROMPT_MESSAGES: 1,
        semconv.PROMPT_PARTS: 1,
        semconv.PROMPT_ROLES: ("system", "user"),
        semconv.PROMPT_ROLE_CHARS: (system, max(0, chars - tools - system)),
        semconv.FINGERPRINT_SYSTEM: _stable(source.name, 2)[:32].ljust(32, "0"),
    }
    if source.written:
        told[semconv.PREFIX_BREAKPOINTS] = (tools + system,)
    if source.system_varies or id_in_front:
        told |= _volatile(source, random, (blocks, stable), same + own)
    return told


def _volatile(source: Source, random: Random, blocks: tuple[int, int], masked: str) -> dict[str, Value]:
    """From the block on that holds the volatile text no two calls have a hash in common, until it is masked."""
    kind, offset = ("date-time", TIME_AT) if source.system_varies else ("uuid", ID_AT)
    first = offset // BLOCK
    raw = _stable(source.name, first) + random.randbytes((blocks[0] - first) * HASH).hex()
    return {
        semconv.PREFIX_BLOCKS: raw,
        semconv.PREFIX_MASKED_BLOCKS: masked,
        semconv.VOLATILE_KINDS: (kind,),
        semconv.VOLATILE_OFFSETS: (offset,),
        semconv.FINGERPRINT_SYSTEM: random.randbytes(16).hex(),
    }


@lru_cache(maxsize=256)
def _stable(name: str, blocks: int) -> str:
    return "".join(blake2b(f"{name} {block}".encode(), digest_size=HASH).hexdigest() for block in range(blocks))
