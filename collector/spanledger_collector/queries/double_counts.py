from __future__ import annotations

import pyarrow as pa

from .parameter import FILTERS, WINDOW
from .places import TIGHTLY_BOUNDED
from .query import COUNT, MONEY, TEXT, Asked, Query, between, columns

_COLUMNS = columns(
    kind=TEXT,
    service=TEXT,
    provider=TEXT,
    model=TEXT,
    emitter=TEXT,
    calls=COUNT,
    days=pa.uint16(),
    cost_usd=MONEY,
    trace_ids=pa.list_(TEXT),
)
_TOLD = (
    " count() AS calls, toUInt16(uniqExact(toDate(c.start))) AS days, sum(c.cost) AS cost_usd,"
    " groupArray(3)(lower(hex(c.trace_id))) AS trace_ids"
)


def _sql(asked: Asked) -> str:
    return (
        f"SELECT * FROM ({_skipped(asked)} UNION ALL {_billed(asked)})"
        f" ORDER BY cost_usd DESC NULLS LAST, calls DESC, kind, service, model, emitter{TIGHTLY_BOUNDED}"
    )


def _skipped(asked: Asked) -> str:
    """Told of again by another emitter; what the row that has the bill costs is what was not counted twice."""
    return (
        "SELECT 'skipped' AS kind, c.service AS service, c.provider AS provider, c.model AS model,"
        f" r.emitter AS emitter,{_TOLD}"
        " FROM calls AS c INNER JOIN (SELECT t.kept_trace_id AS trace_id, t.kept_span_id AS span_id,"
        f" t.emitter AS emitter FROM retold_calls AS t WHERE {between('from', 'to', 't.')}) AS r"
        f" ON r.span_id = c.span_id AND r.trace_id = c.trace_id WHERE {asked.calls('c.')}"
        " GROUP BY service, provider, model, emitter"
    )


def _billed(asked: Asked) -> str:
    """Rows of one provider with one reply's id, all but the first of each. Ids that come again are found first: some
    bytes are held of each of these, and of a row nothing.
    """
    again = f"SELECT {_reply('i')} FROM calls AS i WHERE {_answered(asked, 'i')} GROUP BY 1 HAVING count() > 1"
    first = (
        f"SELECT {_reply('b')} AS reply, argMin({_span('b')}, b.start) AS span"
        f" FROM calls AS b WHERE {_answered(asked, 'b')} AND {_reply('b')} IN ({again}) GROUP BY reply"
    )
    return (
        "SELECT 'billed' AS kind, c.service AS service, c.provider AS provider, c.model AS model,"
        f" c.emitter AS emitter,{_TOLD} FROM calls AS c INNER JOIN ({first}) AS f ON f.reply = {_reply('c')}"
        f" WHERE {_answered(asked, 'c')} AND {_span('c')} != f.span GROUP BY service, provider, model, emitter"
    )


def _answered(asked: Asked, name: str) -> str:
    return f"{asked.calls(f'{name}.')} AND {name}.response_id != ''"


def _reply(name: str) -> str:
    return f"cityHash64({name}.provider, {name}.response_id)"


def _span(name: str) -> str:
    """A replay may give its spans other traces and leave them their ids."""
    return f"cityHash64({name}.trace_id, {name}.span_id)"


QUERY = Query(
    "Calls told of more than once. skipped: another emitter told of them too and was not counted; cost_usd is what "
    "counting would have added. billed: rows that carry the id of a reply that is in the ledger already, and are in "
    "its sums; cost_usd is what they add.",
    (*WINDOW, *FILTERS),
    _COLUMNS,
    _sql,
)
