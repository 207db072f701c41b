from __future__ import annotations

from .parameter import FILTERS, WINDOW, count
from .places import ANSWERED, PLACE, TIGHTLY_BOUNDED, beside, newest, selected, typed
from .query import COUNT, Asked, Query

_PLACE = ", ".join(PLACE)


def _sql(asked: Asked) -> str:
    # Replies are not hashed: of equal requests those are surely answered differently whose replies differ in length.
    return (
        f"SELECT {_PLACE}, count() AS requests, sum(r.asked) AS calls, sum(r.asked - r.usual) AS different"
        f" FROM (SELECT {_PLACE}, request, sum(a.same) AS asked, max(a.same) AS usual FROM ({_answers(asked)}) AS a"
        f" GROUP BY {_PLACE}, request HAVING asked > 1) AS r"
        f" GROUP BY {_PLACE} ORDER BY {_PLACE}{TIGHTLY_BOUNDED}"
    )


def _answers(asked: Asked) -> str:
    return (
        f"SELECT {selected(PLACE)}, f.request AS request, d.output_chars AS chars, count() AS same FROM calls AS c"
        " INNER JOIN (SELECT h.span_id AS span_id, h.trace_id AS trace_id, h.request AS request"
        f" FROM fingerprints AS h WHERE {beside(asked, ANSWERED, 'h.')} AND notEmpty(h.request)) AS f"
        " ON f.span_id = c.span_id AND f.trace_id = c.trace_id"
        " INNER JOIN (SELECT t.span_id AS span_id, t.output_chars AS output_chars FROM call_details AS t"
        f" WHERE {beside(asked, ANSWERED, 't.')} AND t.output_chars > 0 AND t.temperature > 0"
        " AND (t.schema_name != '' OR t.output_type = 'json')) AS d ON d.span_id = c.span_id"
        f" WHERE {asked.calls('c.')} AND {newest(asked, ANSWERED)} GROUP BY {_PLACE}, request, chars"
    )


QUERY = Query(
    "Replies of a fixed form drawn at a temperature above 0 to requests that were made more than once (by fingerprint: "
    "model, settings, tools and whole prompt), by place, among its newest calls: different is how many of them have "
    "another length than the commonest reply to the same request, so that at least these differ.",
    (
        *WINDOW,
        *FILTERS,
        count("limit", "Calls read per place.", default=2000, most=20_000),
        count("most", "Calls read of all places together; the newest.", default=20_000, most=150_000),
    ),
    typed(PLACE, requests=COUNT, calls=COUNT, different=COUNT),
    _sql,
)
