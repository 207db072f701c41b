from __future__ import annotations

from typing import Final

from .ledger import ledger
from .parameter import BY_DOC, FILTERS, WINDOW, choice
from .query import COUNT, KEY, MONEY, TEXT, Asked, Query, columns

_KEYS: Final = ("service", "provider", "model", "feature", "team", "outcome", "cost_grade")
_COUNTS: Final = (
    "calls", "priced_calls", "attempts", "without_usage", "input_tokens", "cache_read_tokens", "cache_write_tokens",
    "output_tokens", "reasoning_tokens",
)  # fmt: skip
_MONEY: Final = ("cost", "cost_input", "cost_cache_read", "cost_cache_write", "cost_output", "cost_other")


def _sql(asked: Asked) -> str:
    names = {key: key for key in _KEYS} | ({"key": asked.by} if asked.by else {})
    keys = ", ".join(f"l.{column} AS {name}" for name, column in names.items())
    sums = ", ".join(f"sum(l.{name}) AS {name}" for name in (*_COUNTS, *_MONEY))
    return f"SELECT {keys}, {sums} FROM {ledger(asked)} GROUP BY {', '.join(names)} ORDER BY {', '.join(names)}"


QUERY = Query(
    "Calls, tokens and US dollars by part for every service, provider, model, feature, team, outcome and cost grade: "
    "what explains one period's cost against another's. cost is 0 where the grade is unknown: nothing is known of it.",
    (*WINDOW, *FILTERS, choice("by", BY_DOC, ("environment",))),
    (
        KEY,
        *columns(
            **dict.fromkeys(_KEYS, TEXT),
            **dict.fromkeys(_COUNTS, COUNT),
            **dict.fromkeys(_MONEY, MONEY),
        ),
    ),
    _sql,
)
