from __future__ import annotations

from .parameter import FILTERS, WINDOW
from .query import COUNT, SHARE, TEXT, Asked, Query, columns

_SITE = ("provider", "model", "service", "prompt_name", "code_file")
_ENDS = ("low", "middle", "high")
# It reads every call of a month, and nobody waits for it: one thread leaves the others to pages.
_UNHURRIED = " SETTINGS max_threads = 1, max_execution_time = 60"


def _sql(asked: Asked) -> str:
    site = ", ".join(f"c.{name} AS {name}" for name in _SITE)
    ratios = ", ".join(
        f"r_{side}[{place}] AS {side}_{end}" for side in ("input", "output") for place, end in enumerate(_ENDS, 1)
    )
    return (
        f"SELECT {', '.join(_SITE)}, code_line, calls, cached_share, {ratios} FROM (SELECT {site},"
        " toUInt64(c.code_line) AS code_line, count() AS calls,"
        " if(sum(c.input_tokens) = 0, 0, sum(c.cache_read_tokens) / sum(c.input_tokens)) AS cached_share,"
        " quantilesExact(0.1, 0.5, 0.9)(assumeNotNull(c.input_tokens) / c.input_chars) AS r_input,"
        " quantilesExact(0.1, 0.5, 0.9)(assumeNotNull(c.output_tokens) / c.output_chars) AS r_output"
        f" FROM calls AS c WHERE {asked.calls('c.')} AND c.usage_grade = 'measured' AND c.outcome = 'ok'"
        " AND c.input_chars > 0 AND c.output_chars > 0 AND c.input_tokens > 0"
        f" GROUP BY {', '.join(_SITE)}, code_line){_UNHURRIED}"
    )


QUERY = Query(
    "Tokens per character of measured calls by model and call site: the 10th, 50th and 90th of 100, and the share of "
    "the input that was read from a cache.",
    (*WINDOW, *FILTERS),
    columns(
        **dict.fromkeys(_SITE, TEXT),
        code_line=COUNT,
        calls=COUNT,
        cached_share=SHARE,
        **{f"{side}_{end}": SHARE for side in ("input", "output") for end in _ENDS},
    ),
    _sql,
)
