from __future__ import annotations

import pyarrow as pa

from .parameter import FILTERS, WINDOW, count
from .places import BOUNDED, CLAIMS, PLACE, selected, typed
from .query import COUNT, MONEY, TEXT, Asked, Query, between

_PLACE = ", ".join(PLACE)
_CHILD = "c.outcome = 'ok' AND c.parent_span_id != unhex('0000000000000000')"


def _sql(asked: Asked) -> str:
    return (
        f"SELECT {_PLACE}, count() AS parents, uniqExact(toDate(first)) AS days, sum(made) AS calls,"
        " toFloat64(median(made)) AS calls_per_parent, max(made) AS most, sum(shared_usd) AS shared_usd,"
        " avg(shared) AS shared_part, groupArrayArray({claims:UInt32})(members) AS shared_calls,"
        " groupArray(3)(lower(hex(trace_id))) AS trace_ids"
        f" FROM ({_parents(asked)}) GROUP BY {_PLACE} ORDER BY shared_usd DESC, calls DESC, {_PLACE}{BOUNDED}"
    )


def _large(asked: Asked) -> str:
    """Parents with enough children, told by a few bytes of each call, so that prompts are read of theirs alone."""
    child = _CHILD.replace("c.", "b.")
    return (
        f"SELECT b.parent_span_id FROM calls AS b WHERE {asked.calls('b.')} AND {child} GROUP BY b.parent_span_id"
        " HAVING count() >= {children:UInt32} ORDER BY max(b.start) DESC LIMIT {parents:UInt32}"
    )


def _parents(asked: Asked) -> str:
    # All but one call of a parent repeat what stands in front of the messages: tools and system text.
    front = "(f.section_chars[1] + f.section_chars[2]) / greatest(1, arraySum(f.section_chars))"
    large = f"{asked.calls('c.')} AND {_CHILD} AND c.parent_span_id IN ({_large(asked)})"
    children = f"SELECT g.span_id FROM calls AS g WHERE {large.replace('c.', 'g.')}"
    return (
        f"SELECT {selected(PLACE)},"
        " c.trace_id AS trace_id, c.parent_span_id AS parent, f.system AS system, min(c.start) AS first,"
        " count() AS made,"
        f" avg({front}) AS shared,"
        f" toDecimal128(sum(ifNull(c.cost_input + c.cost_cache_read, 0) * toDecimal128({front}, 9)), 18) * (made - 1)"
        " / made AS shared_usd,"
        f" groupArray((lower(hex(c.span_id)), toDecimal128(ifNull(c.cost_input + c.cost_cache_read, 0)"
        f" * toDecimal128({front}, 9), 18))) AS members"
        " FROM calls AS c INNER JOIN (SELECT h.span_id AS span_id, h.trace_id AS trace_id, h.system AS system,"
        f" h.request AS request, h.section_chars AS section_chars FROM fingerprints AS h"
        f" WHERE {between('from', 'to', 'h.')} AND h.span_id IN ({children})) AS f"
        " ON f.span_id = c.span_id AND f.trace_id = c.trace_id"
        f" WHERE {large}"
        f" GROUP BY {_PLACE}, trace_id, parent, system"
        " HAVING made >= {children:UInt32} AND uniqExact(f.request) = made"
    )


QUERY = Query(
    "Parents of at least `children` calls from one place with one system text and different requests: loops over a "
    "list; the newest `parents` of them. shared_usd is what repeating tools and system text cost beyond the first "
    "call; shared_calls the calls' parts of it, at most `claims`.",
    (
        *WINDOW,
        *FILTERS,
        count("children", "Calls of one parent.", default=10, most=10_000),
        count("claims", "Calls listed per place.", default=5000, most=50_000),
        count("parents", "Parents read.", default=2000, most=100_000),
    ),
    typed(
        PLACE,
        parents=COUNT,
        days=COUNT,
        calls=COUNT,
        calls_per_parent=pa.float64(),
        most=COUNT,
        shared_usd=MONEY,
        shared_part=pa.float64(),
        shared_calls=CLAIMS,
        trace_ids=pa.list_(TEXT),
    ),
    _sql,
)
