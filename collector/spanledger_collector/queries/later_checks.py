"""Calls whose reply somebody checked after them: few, told beside calls, and read of those alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .query import between
from .waste import CUT

if TYPE_CHECKING:
    from .query import Asked

TRUNCATED: Final = f"(c.outcome = 'truncated' OR c.finish_reason IN ({CUT}))"
# A check comes after its call, and so perhaps after the window.
_CHECKED_IN: Final = (
    "m.start >= fromUnixTimestamp64Nano({from:Int64}, 'UTC')"
    " AND m.start < fromUnixTimestamp64Nano({to:Int64}, 'UTC') + toIntervalHour(1) AND m.validation != ''"
)


def later(asked: Asked) -> str:
    """Each call once: service, model, schema, ``failed``, what a check in the call found ``before``, the fields that
    did not fit, trace_id, ``usd`` and whether it was ``cut``. Where a check in the call counts the reply, it is counted
    there.
    """
    checks = (
        "SELECT m.call_id AS id, m.trace_id AS trace, max(m.validation = 'failed') AS bad,"
        " argMax(m.schema_name, m.validation = 'failed') AS name,"
        " argMax(m.validation_fields, m.validation = 'failed') AS fields"
        f" FROM call_notes AS m WHERE {_CHECKED_IN} GROUP BY id, trace"
    )
    ids = f"SELECT m.call_id FROM call_notes AS m WHERE {_CHECKED_IN}"
    own = (
        "SELECT d.span_id AS id, d.trace_id AS trace, d.validation AS found, d.service AS service, d.model AS model,"
        f" d.schema_name AS schema FROM call_details AS d WHERE {between('from', 'to', 'd.')} AND d.validation != ''"
        f" AND d.span_id IN ({ids})"
    )
    places = (("c.service", "service"), ("c.model", "model"), ("n.name", "schema"))
    keys = ", ".join(f"if(o.found = '', {mine}, o.{name}) AS {name}" for mine, name in places)
    return (
        f"SELECT {keys}, n.bad AS failed, o.found AS before, n.fields AS fields, c.trace_id AS trace_id,"
        f" c.cost AS usd, {TRUNCATED} AS cut"
        f" FROM calls AS c INNER JOIN ({checks}) AS n ON n.id = c.span_id AND n.trace = c.trace_id"
        f" LEFT JOIN ({own}) AS o ON o.id = c.span_id AND o.trace = c.trace_id"
        f" WHERE {asked.calls('c.')} AND c.span_id IN ({ids})"
    )
