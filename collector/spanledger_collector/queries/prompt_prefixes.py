from __future__ import annotations

import pyarrow as pa

from .parameter import FILTERS, WINDOW, count
from .query import COUNT, MONEY, TEXT, TIME, Asked, Query, between, columns

_GROUP = "c.service, c.feature, c.provider, c.model, c.code_file, c.code_line"
_NUMBERS = pa.list_(pa.uint32())


def _sql(asked: Asked) -> str:
    # Chains are long: only those of the newest calls of a place are read, how many there were is told beside them.
    return (
        "SELECT c.start AS start, c.service AS service, c.feature AS feature, c.provider AS provider, c.model AS model,"
        " if(c.code_file = '', '', concat(c.code_file, ':', toString(c.code_line))) AS call_site,"
        " c.service_version AS version, lower(hex(c.trace_id)) AS trace_id, lower(hex(c.span_id)) AS span_id,"
        " c.conversation AS conversation,"
        " assumeNotNull(c.input_tokens) AS input_tokens, c.uncached_input_tokens AS uncached_tokens,"
        " c.cache_read_tokens AS read_tokens, c.cache_write_5m_tokens AS write_5m_tokens,"
        " c.cache_write_1h_tokens AS write_1h_tokens, c.cost AS cost_usd, c.cost_input AS cost_input_usd,"
        " c.cost_cache_read AS cost_read_usd, c.cost_cache_write AS cost_write_usd,"
        f" toUInt64(count() OVER (PARTITION BY {_GROUP})) AS calls,"
        " f.block_chars AS block_chars, lower(hex(f.blocks)) AS blocks, lower(hex(f.masked_blocks)) AS masked_blocks,"
        " f.section_chars AS section_chars, f.volatile_kinds AS volatile_kinds, f.volatile_offsets AS volatile_offsets,"
        " f.breakpoints AS breakpoints, f.part_count AS parts, f.message_count AS messages,"
        " lower(hex(f.system)) AS system, lower(hex(f.tools)) AS tools, lower(hex(f.tools_sorted)) AS tools_sorted,"
        " lower(hex(f.tools_canonical)) AS tools_canonical, lower(hex(f.schema)) AS json_schema,"
        " lower(hex(f.schema_canonical)) AS json_schema_canonical,"
        " f.roles AS roles, f.role_chars AS role_chars"
        " FROM fingerprints AS f INNER JOIN calls AS c ON c.span_id = f.span_id AND c.trace_id = f.trace_id"
        f" WHERE {between('from', 'to', 'f.')} AND {asked.calls('c.')}"
        " AND c.input_tokens > 0 AND c.outcome != 'error'"
        f" ORDER BY c.start DESC LIMIT {{limit:UInt32}} BY {_GROUP}"
    )


QUERY = Query(
    "Prompts of answered calls as their provider's cache sees them, newest first, at most `limit` of each place: "
    "chains of block hashes (12 hex digits each, covering the text from its start), where volatile text stands, and "
    "what the cache did. calls is how many there were at the place. Hashes and lengths only.",
    (*WINDOW, *FILTERS, count("limit", "Calls per place.", default=2000, most=20_000)),
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
