"""Named queries: pages, alerts, detectors and reports ask the same ones. A query is one file and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from . import (
    acknowledgements,
    alert_rules,
    alerts,
    allocation,
    anomaly_errors,
    anomaly_facts,
    answer_variety,
    attempts,
    beginning,
    big_traces,
    budgets,
    busy_users,
    call_facts,
    corrections,
    cost_coverage,
    cost_parts,
    deploys,
    double_counts,
    drivers,
    duplicates,
    durations,
    failing_calls,
    failures,
    fallbacks,
    fan_outs,
    findings,
    first_chunks,
    headroom,
    job_runs,
    latency,
    latest_calls,
    limit_peaks,
    modelled_costs,
    names,
    notifications,
    outcomes,
    price_lines,
    priced_calls,
    prompt_prefixes,
    reconciliation,
    response_cache,
    restatements,
    rule_facts,
    segments,
    served_traces,
    services,
    silences,
    spend_by,
    spend_over_time,
    token_ratios,
    totals,
    trace,
    unit_cost,
    unpriced,
    usage_notes,
    user_days,
    users,
    validations,
    waste,
)
from .parameter import BadParameter, Parameter
from .query import Query

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

__all__ = ["QUERIES", "BadParameter", "Parameter", "Query", "UnknownQuery", "run"]

QUERIES: Final[dict[str, Query]] = {
    "totals": totals.QUERY,
    "spend_over_time": spend_over_time.QUERY,
    "spend_by": spend_by.QUERY,
    "latency": latency.QUERY,
    "first_chunks": first_chunks.QUERY,
    "failures": failures.QUERY,
    "latest_calls": latest_calls.QUERY,
    "trace": trace.QUERY,
    "services": services.QUERY,
    "beginning": beginning.QUERY,
    "names": names.QUERY,
    "cost_parts": cost_parts.QUERY,
    "cost_coverage": cost_coverage.QUERY,
    "unpriced": unpriced.QUERY,
    "attempts": attempts.QUERY,
    "findings": findings.QUERY,
    "outcomes": outcomes.QUERY,
    "failing_calls": failing_calls.QUERY,
    "alerts": alerts.QUERY,
    "alert_rules": alert_rules.QUERY,
    "silences": silences.QUERY,
    "acknowledgements": acknowledgements.QUERY,
    "notifications": notifications.QUERY,
    "anomaly_facts": anomaly_facts.QUERY,
    "anomaly_errors": anomaly_errors.QUERY,
    "drivers": drivers.QUERY,
    "deploys": deploys.QUERY,
    "rule_facts": rule_facts.QUERY,
    "durations": durations.QUERY,
    "call_facts": call_facts.QUERY,
    "answer_variety": answer_variety.QUERY,
    "duplicates": duplicates.QUERY,
    "big_traces": big_traces.QUERY,
    "fan_outs": fan_outs.QUERY,
    "job_runs": job_runs.QUERY,
    "limit_peaks": limit_peaks.QUERY,
    "prompt_prefixes": prompt_prefixes.QUERY,
    "unit_cost": unit_cost.QUERY,
    "served_traces": served_traces.QUERY,
    "usage_notes": usage_notes.QUERY,
    "segments": segments.QUERY,
    "waste": waste.QUERY,
    "response_cache": response_cache.QUERY,
    "fallbacks": fallbacks.QUERY,
    "double_counts": double_counts.QUERY,
    "users": users.QUERY,
    "busy_users": busy_users.QUERY,
    "user_days": user_days.QUERY,
    "budgets": budgets.QUERY,
    "price_lines": price_lines.QUERY,
    "priced_calls": priced_calls.QUERY,
    "allocation": allocation.QUERY,
    "reconciliation": reconciliation.QUERY,
    "restatements": restatements.QUERY,
    "corrections": corrections.QUERY,
    "token_ratios": token_ratios.QUERY,
    "modelled_costs": modelled_costs.QUERY,
    "headroom": headroom.QUERY,
    "validations": validations.QUERY,
}


class UnknownQuery(LookupError):
    """No query has this name; the text lists those there are."""


class Reader(Protocol):
    """A store, as queries know it."""

    def query(self, sql: str, params: Mapping[str, Any]) -> pa.Table: ...


# While others are read for, each block of rows waits so long at most: under steady traffic it still comes to its end.
# One thread: what nobody waits for leaves the other cores, and the memory of their threads, to what comes in.
_YIELDING: Final = ("priority = 2", "low_priority_query_wait_time_ms = 100", "max_threads = 1")


def run(
    store: Reader, name: str, params: Mapping[str, Sequence[str]], *, seconds: int = 0, yielding: bool = False
) -> pa.Table:
    """Ask one query, parameters as texts; ``seconds`` it may take where that is not what the store grants its readers,
    ``yielding`` to those of others. Raises UnknownQuery, BadParameter, and what the store raises.
    """
    query = QUERIES.get(name)
    if query is None:
        raise UnknownQuery(f"no query is called {name!r}; there are {', '.join(QUERIES)}")
    asked = query.ask(params)
    schema = query.schema(asked)
    sql = query.sql(asked)
    settings = (*([f"max_execution_time = {seconds}"] if seconds else ()), *(_YIELDING if yielding else ()))
    if settings:  # are the last of a statement
        sql += f"{',' if ' SETTINGS ' in sql else ' SETTINGS'} {', '.join(settings)}"
    return store.query(sql, asked.binds).select(schema.names).cast(schema)
