from __future__ import annotations

import pyarrow as pa

from .parameter import FILTERS, WINDOW
from .places import IN_ALL, PER_PLACE, SITE, counted, picked
from .query import COUNT, MONEY, TEXT, TIME, Asked, Query, between, columns

_NUMBERS = pa.list_(pa.uint32())


def _sql(asked: Asked) -> str:
    # Chains are long: only those of the newest calls of a place are read, how many there were is told beside them.
    hashed = f"SELECT h.span_id FROM fingerprints AS h WHERE {between('from', 'to', 'h.')}"
    also = f" AND c.input_tokens > 0 AND c.outcome != 'error' AND c.span_id IN ({hashed})"
    return (
        "SELECT c.start AS start, c.service AS service, c.feature AS feature, c.provider AS provider, c.model AS model,"
        f" {SITE},"
        " c.service_version AS version, lower(hex(c.trace_id)) AS trace_id, lower(hex(c.span_id)) AS span_id,"
        " c.conversation AS conversation,"
        " assumeNotNull(c.input_tokens) AS input_tokens, c.uncached_input_tokens AS uncached_tokens,"
        " c.cache_read_tokens AS read_tokens, c.cache_write_5m_tokens AS write_5m_tokens,"
        " c.cache_write_1h_tokens AS write_1h_tokens, c.cost AS cost_usd, c.cost_input AS cost_input_usd,"
        " c.cost_cache_read AS cost_read_usd, c.cost_cache_write AS cost_write_usd,"
        " n.calls AS calls, n.days AS days,"
        " f.block_chars AS block_chars, lower(hex(f.blocks)) AS blocks, lower(hex(f.masked_blocks)) AS masked_blocks,"
        " f.section_chars AS section_chars, f.volatile_kinds AS volatile_kinds, f.volatile_offsets AS volatile_offsets,"
        " f.breakpoints AS breakpoints, f.part_count AS parts, f.message_count AS messages,"
        " lower(hex(f.system)) AS system, lower(hex(f.tools)) AS tools, lower(hex(f.tools_sorted)) AS tools_sorted,"
        " lower(hex(f.tools_canonical)) AS tools_canonical, lower(hex(f.schema)) AS json_schema,"
        " lower(hex(f.schema_canonical)) AS json_schema_canonical,"
        " f.roles AS roles, f.role_chars AS role_chars"
        f" FROM calls AS c{counted(asked, also)} INNER JOIN (SELECT * FROM fingerprints AS g"
        f" WHERE {between('from', 'to', 'g.')} AND g.span_id IN ({picked(asked, also)})) AS f"
        " ON c.span_id = f.span_id AND c.trace_id = f.trace_id"
        f" WHERE {asked.calls('c.')} AND c.span_id IN ({picked(asked, also)}) ORDER BY c.start DESC, c.span_id"
    )


QUERY = Query(
    "Prompts of answered calls as their provider's cache sees them, newest first, at most `limit` of each place: "
    "chains of block hashes (12 hex digits each, covering the text from its start), where volatile text stands, and "
    "what the cache did. calls is how many there were at the place. Hashes and lengths only.",
    (*WINDOW, *FILTERS, PER_PLACE, IN_ALL),
    columns(
        start=TIME,
        service=TEXT,
        feature=TEXT,
        provider=TEXT,
        model=TEXT,
        call_site=TEXT,
        version=TEXT,
        trace_id=TEXT,
        span_id=TEXT,
        conversation=TEXT,
        input_tokens=COUNT,
        uncached_tokens=COUNT,
        read_tokens=COUNT,
        write_5m_tokens=COUNT,
        write_1h_tokens=COUNT,
        cost_usd=MONEY,
        cost_input_usd=MONEY,
        cost_read_usd=MONEY,
        cost_write_usd=MONEY,
        calls=COUNT,
        days=pa.uint16(),
        block_chars=pa.uint16(),
        blocks=TEXT,
        masked_blocks=TEXT,
        section_chars=_NUMBERS,
        volatile_kinds=pa.list_(TEXT),
        volatile_offsets=_NUMBERS,
        breakpoints=_NUMBERS,
        parts=pa.uint32(),
        messages=pa.uint32(),
        system=TEXT,
        tools=TEXT,
        tools_sorted=TEXT,
        tools_canonical=TEXT,
        json_schema=TEXT,
        json_schema_canonical=TEXT,
        roles=pa.list_(TEXT),
        role_chars=_NUMBERS,
    ),
    _sql,
)
