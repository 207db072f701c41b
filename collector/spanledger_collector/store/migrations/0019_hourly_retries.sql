-- What pages ask of all calls and few have: which were tried again, which are made up.
-- The view is made anew; calls of before are told as what the table lacks, so that doing it again adds nothing.
DROP VIEW IF EXISTS calls_hourly_view;

ALTER TABLE calls_hourly ADD COLUMN IF NOT EXISTS retried_calls UInt64 AFTER attempts;

ALTER TABLE calls_hourly ADD COLUMN IF NOT EXISTS demo_calls UInt64 AFTER retried_calls;

INSERT INTO calls_hourly (hour, service, environment, provider, model, feature, team, outcome, cost_grade, retried_calls, demo_calls)
SELECT hour, service, environment, provider, model, feature, team, outcome, cost_grade, sum(retried) AS retried_calls, sum(made_up) AS demo_calls
FROM (
    SELECT
        toStartOfHour(c.start) AS hour,
        c.service AS service, c.environment AS environment, c.provider AS provider, c.model AS model, c.feature AS feature, c.team AS team, c.outcome AS outcome, c.cost_grade AS cost_grade,
        toInt64(c.attempts > 1) AS retried, toInt64(c.demo) AS made_up
    FROM calls AS c WHERE c.attempts > 1 OR c.demo
    UNION ALL
    SELECT hour, service, environment, provider, model, feature, team, outcome, cost_grade,
        negate(toInt64(h.retried_calls)) AS retried, negate(toInt64(h.demo_calls)) AS made_up
    FROM calls_hourly AS h WHERE h.retried_calls != 0 OR h.demo_calls != 0
)
GROUP BY hour, service, environment, provider, model, feature, team, outcome, cost_grade
HAVING retried_calls != 0 OR demo_calls != 0;

CREATE MATERIALIZED VIEW IF NOT EXISTS calls_hourly_view TO calls_hourly AS
SELECT
    toStartOfHour(c.start) AS hour,
    c.service AS service, c.environment AS environment, c.provider AS provider, c.model AS model,
    c.feature AS feature, c.team AS team, c.outcome AS outcome, c.cost_grade AS cost_grade,
    count() AS calls,
    countIf(c.cost IS NOT NULL) AS priced_calls,
    sum(c.attempts) AS attempts,
    countIf(c.attempts > 1) AS retried_calls,
    countIf(c.demo) AS demo_calls,
    countIf(c.input_tokens IS NULL) AS without_usage,
    sum(ifNull(c.input_tokens, 0)) AS input_tokens,
    sum(c.cache_read_tokens) AS cache_read_tokens,
    sum(c.cache_write_5m_tokens + c.cache_write_1h_tokens) AS cache_write_tokens,
    sum(ifNull(c.output_tokens, 0)) AS output_tokens,
    sum(c.reasoning_tokens) AS reasoning_tokens,
    sum(ifNull(c.cost, 0)) AS cost,
    sum(c.cost_input) AS cost_input,
    sum(c.cost_cache_read) AS cost_cache_read,
    sum(c.cost_cache_write) AS cost_cache_write,
    sum(c.cost_output) AS cost_output,
    sum(c.cost_other) AS cost_other
FROM calls AS c
GROUP BY hour, service, environment, provider, model, feature, team, outcome, cost_grade;
