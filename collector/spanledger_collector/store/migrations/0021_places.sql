-- Calls by place in the caller's software, so that the newest of each are found without looking through all.
-- `place` is a hash of service, feature, provider, model and call site; read_calls are answered ones with a prompt.
-- Made anew as a whole when this is run again: nothing is written meanwhile.
DROP VIEW IF EXISTS places_hourly_view;

DROP TABLE IF EXISTS places_hourly SYNC;

CREATE TABLE IF NOT EXISTS places_hourly
(
    hour        DateTime('UTC') CODEC(Delta, ZSTD),
    service     LowCardinality(String),
    model       LowCardinality(String),
    place       UInt64 CODEC(ZSTD),
    environment LowCardinality(String),
    provider    LowCardinality(String),
    feature     LowCardinality(String),
    team        LowCardinality(String),
    calls       UInt64 CODEC(T64, ZSTD),
    ok_calls    UInt64 CODEC(T64, ZSTD),
    read_calls  UInt64 CODEC(T64, ZSTD)
)
ENGINE = SummingMergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (hour, service, model, place, environment, provider, feature, team)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

INSERT INTO places_hourly (
    hour, service, model, place, environment, provider, feature, team, calls, ok_calls, read_calls
)
SELECT
    toStartOfHour(c.start) AS hour, c.service AS service, c.model AS model,
    cityHash64(c.service, c.feature, c.provider, c.model, c.code_file, c.code_line) AS place,
    c.environment AS environment, c.provider AS provider, c.feature AS feature, c.team AS team,
    count() AS calls,
    countIf(c.outcome = 'ok') AS ok_calls,
    countIf(c.input_tokens > 0 AND c.outcome != 'error') AS read_calls
FROM calls AS c
GROUP BY hour, service, model, place, environment, provider, feature, team;

CREATE MATERIALIZED VIEW IF NOT EXISTS places_hourly_view TO places_hourly AS
SELECT
    toStartOfHour(c.start) AS hour, c.service AS service, c.model AS model,
    cityHash64(c.service, c.feature, c.provider, c.model, c.code_file, c.code_line) AS place,
    c.environment AS environment, c.provider AS provider, c.feature AS feature, c.team AS team,
    count() AS calls,
    countIf(c.outcome = 'ok') AS ok_calls,
    countIf(c.input_tokens > 0 AND c.outcome != 'error') AS read_calls
FROM calls AS c
GROUP BY hour, service, model, place, environment, provider, feature, team;
