-- Second rollup: tokens and money by part of the bill, price line and tier. Calls of unknown cost have no parts.
-- Made anew as a whole when this is run again: nothing is written meanwhile.
DROP VIEW IF EXISTS call_parts_hourly_view;

DROP TABLE IF EXISTS call_parts_hourly SYNC;

CREATE TABLE IF NOT EXISTS call_parts_hourly
(
    hour              DateTime('UTC') CODEC(Delta, ZSTD),
    service           LowCardinality(String),
    environment       LowCardinality(String),
    provider          LowCardinality(String),
    model             LowCardinality(String),
    feature           LowCardinality(String),
    team              LowCardinality(String),
    service_tier      LowCardinality(String),
    price             LowCardinality(String),
    cost_grade        LowCardinality(String),
    input_calls       UInt64,
    input_tokens      UInt64,
    cost_input        Decimal(38, 18),
    cache_read_calls  UInt64,
    cache_read_tokens UInt64,
    cost_cache_read   Decimal(38, 18),
    cache_write_calls UInt64,
    cache_write_tokens UInt64,
    cost_cache_write  Decimal(38, 18),
    output_calls      UInt64,
    output_tokens     UInt64,
    cost_output       Decimal(38, 18),
    other_calls       UInt64,
    cost_other        Decimal(38, 18),
    unsplit_calls     UInt64,
    cost              Decimal(38, 18)
)
ENGINE = SummingMergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (hour, service, environment, provider, model, feature, team, service_tier, price, cost_grade)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

INSERT INTO call_parts_hourly SELECT
    toStartOfHour(c.start) AS hour,
    c.service AS service, c.environment AS environment, c.provider AS provider, c.model AS model,
    c.feature AS feature, c.team AS team, c.service_tier AS service_tier, c.price AS price, c.cost_grade AS cost_grade,
    countIf(c.uncached_input_tokens + c.audio_input_tokens > 0 OR c.cost_input != 0) AS input_calls,
    sum(c.uncached_input_tokens + c.audio_input_tokens) AS input_tokens,
    sum(c.cost_input) AS cost_input,
    countIf(c.cache_read_tokens > 0 OR c.cost_cache_read != 0) AS cache_read_calls,
    sum(c.cache_read_tokens) AS cache_read_tokens,
    sum(c.cost_cache_read) AS cost_cache_read,
    countIf(c.cache_write_5m_tokens + c.cache_write_1h_tokens > 0 OR c.cost_cache_write != 0) AS cache_write_calls,
    sum(c.cache_write_5m_tokens + c.cache_write_1h_tokens) AS cache_write_tokens,
    sum(c.cost_cache_write) AS cost_cache_write,
    countIf(ifNull(c.output_tokens, 0) > 0 OR c.cost_output != 0) AS output_calls,
    sum(ifNull(c.output_tokens, 0)) AS output_tokens,
    sum(c.cost_output) AS cost_output,
    countIf(c.cost_other != 0) AS other_calls,
    sum(c.cost_other) AS cost_other,
    countIf(c.cost != c.cost_input + c.cost_cache_read + c.cost_cache_write + c.cost_output + c.cost_other) AS unsplit_calls,
    sum(ifNull(c.cost, 0)) AS cost
FROM calls AS c WHERE c.cost IS NOT NULL
GROUP BY hour, service, environment, provider, model, feature, team, service_tier, price, cost_grade;

CREATE MATERIALIZED VIEW IF NOT EXISTS call_parts_hourly_view TO call_parts_hourly AS
SELECT
    toStartOfHour(c.start) AS hour,
    c.service AS service, c.environment AS environment, c.provider AS provider, c.model AS model,
    c.feature AS feature, c.team AS team, c.service_tier AS service_tier, c.price AS price, c.cost_grade AS cost_grade,
    countIf(c.uncached_input_tokens + c.audio_input_tokens > 0 OR c.cost_input != 0) AS input_calls,
    sum(c.uncached_input_tokens + c.audio_input_tokens) AS input_tokens,
    sum(c.cost_input) AS cost_input,
    countIf(c.cache_read_tokens > 0 OR c.cost_cache_read != 0) AS cache_read_calls,
    sum(c.cache_read_tokens) AS cache_read_tokens,
    sum(c.cost_cache_read) AS cost_cache_read,
    countIf(c.cache_write_5m_tokens + c.cache_write_1h_tokens > 0 OR c.cost_cache_write != 0) AS cache_write_calls,
    sum(c.cache_write_5m_tokens + c.cache_write_1h_tokens) AS cache_write_tokens,
    sum(c.cost_cache_write) AS cost_cache_write,
    countIf(ifNull(c.output_tokens, 0) > 0 OR c.cost_output != 0) AS output_calls,
    sum(ifNull(c.output_tokens, 0)) AS output_tokens,
    sum(c.cost_output) AS cost_output,
    countIf(c.cost_other != 0) AS other_calls,
    sum(c.cost_other) AS cost_other,
    countIf(c.cost != c.cost_input + c.cost_cache_read + c.cost_cache_write + c.cost_output + c.cost_other) AS unsplit_calls,
    sum(ifNull(c.cost, 0)) AS cost
FROM calls AS c WHERE c.cost IS NOT NULL
GROUP BY hour, service, environment, provider, model, feature, team, service_tier, price, cost_grade;
