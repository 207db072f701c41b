from __future__ import annotations

import pyarrow as pa

from .parameter import FILTERS, WINDOW
from .places import CALL, IN_ALL, PER_PLACE, READ, TIGHTLY_BOUNDED, beside, counted, newest, selected, typed
from .query import COUNT, TEXT, Asked, Query

_NUMBERS = pa.list_(pa.uint32())
_HASHES = (
    "blocks",
    "masked_blocks",
    "system",
    "tools",
    "tools_sorted",
    "tools_canonical",
    "schema",
    "schema_canonical",
)
_COUNTS = ("section_chars", "volatile_offsets", "breakpoints", "role_chars")
_TEXTS = ("volatile_kinds", "roles")
# Each by its name: servers of a cluster have been seen to answer a star in another order.
_HELD = ("start", "trace_id", "span_id", "block_chars", *_HASHES, *_COUNTS, *_TEXTS, "part_count", "message_count")
_PLACE = "(PARTITION BY c.service, c.feature, c.provider, c.model, c.code_file, c.code_line)"
_PREFIXES = {
    **CALL,
    # As many of a place's calls as of those that were read have a prompt: of all of them where all were read.
    "calls": (f"toUInt64(round(n.calls * (sum(f.start != 0) OVER {_PLACE}) / (count() OVER {_PLACE})))", COUNT),
    "input_tokens": ("assumeNotNull(c.input_tokens)", COUNT),
    "block_chars": ("f.block_chars", pa.uint16()),
    **{name.replace("schema", "json_schema"): (f"lower(hex(f.{name}))", TEXT) for name in _HASHES},
    **{name: (f"f.{name}", _NUMBERS) for name in _COUNTS},
    **{name: (f"f.{name}", pa.list_(TEXT)) for name in _TEXTS},
    "parts": ("f.part_count", pa.uint32()),
    "messages": ("f.message_count", pa.uint32()),
}


def _sql(asked: Asked) -> str:
    # Chains are long: only those of the newest calls of a place are read, how many there were is told beside them.
    held = ", ".join(f"g.{name} AS {name}" for name in _HELD)
    return (
        f"SELECT {', '.join(_PREFIXES)} FROM (SELECT {selected(_PREFIXES)}, f.start != 0 AS hashed"
        f" FROM calls AS c{counted(asked, READ)} LEFT JOIN (SELECT {held} FROM fingerprints AS g"
        f" WHERE {beside(asked, READ, 'g.')}) AS f"
        " ON c.span_id = f.span_id AND c.trace_id = f.trace_id"
        f" WHERE {asked.calls('c.')} AND {newest(asked, READ)}) WHERE hashed"
        f" ORDER BY start DESC, span_id{TIGHTLY_BOUNDED}"
    )


QUERY = Query(
    "Prompts of answered calls as their provider's cache sees them, newest first, at most `limit` of each place: "
    "chains of block hashes (12 hex digits each, covering the text from its start), where volatile text stands, and "
    "what the cache did. calls is how many there were at the place. Hashes and lengths only.",
    (*WINDOW, *FILTERS, PER_PLACE, IN_ALL),
    typed(_PREFIXES),
    _sql,
)
