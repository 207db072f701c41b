-- Read out of `call_details`, for pages over many calls: made anew as a whole, also when this is run again.
-- Of calls that were tried again: how often they were told to slow down, and what the failed requests and the waits took.
DROP VIEW IF EXISTS call_repeats_view;

DROP TABLE IF EXISTS call_repeats SYNC;

CREATE TABLE IF NOT EXISTS call_repeats
(
    start     DateTime64(9, 'UTC') CODEC(Delta, ZSTD),
    span_id   FixedString(8) CODEC(NONE),
    service   LowCardinality(String),
    limited   UInt16 CODEC(T64, ZSTD),
    wasted_ms Float64 CODEC(ZSTD)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(start)
ORDER BY (toStartOfHour(start), service, start)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

INSERT INTO call_repeats (start, span_id, service, limited, wasted_ms)
SELECT
    d.start AS start, d.span_id AS span_id, d.service AS service,
    toUInt16(countEqual(d.attempt_statuses, 429)) AS limited,
    1000 * (arraySum(d.attempt_waits_s) + arraySum(arrayPopBack(d.attempt_durations_s))) AS wasted_ms
FROM call_details AS d WHERE length(d.attempt_durations_s) > 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS call_repeats_view TO call_repeats AS
SELECT
    d.start AS start, d.span_id AS span_id, d.service AS service,
    toUInt16(countEqual(d.attempt_statuses, 429)) AS limited,
    1000 * (arraySum(d.attempt_waits_s) + arraySum(arrayPopBack(d.attempt_durations_s))) AS wasted_ms
FROM call_details AS d WHERE length(d.attempt_durations_s) > 1;

-- How close calls came to their provider's limits: the newest limit with its moment, and the least share that was left,
-- NULL where no reply told a limit.
DROP VIEW IF EXISTS headroom_hourly_view;

DROP TABLE IF EXISTS headroom_hourly SYNC;

CREATE TABLE IF NOT EXISTS headroom_hourly
(
    hour           DateTime('UTC') CODEC(Delta, ZSTD),
    service        LowCardinality(String),
    environment    LowCardinality(String),
    provider       LowCardinality(String),
    model          LowCardinality(String),
    calls          SimpleAggregateFunction(sum, UInt64),
    requests_limit SimpleAggregateFunction(max, Tuple(DateTime64(9, 'UTC'), UInt64)),
    requests_left  SimpleAggregateFunction(min, Nullable(Float64)),
    tokens_limit   SimpleAggregateFunction(max, Tuple(DateTime64(9, 'UTC'), UInt64)),
    tokens_left    SimpleAggregateFunction(min, Nullable(Float64))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (hour, service, environment, provider, model)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

INSERT INTO headroom_hourly (
    hour, service, environment, provider, model, calls, requests_limit, requests_left, tokens_limit, tokens_left
)
SELECT
    toStartOfHour(d.start) AS hour,
    d.service AS service, d.environment AS environment, d.provider AS provider, d.model AS model,
    count() AS calls,
    max((d.start, d.requests_limit)) AS requests_limit,
    min(if(d.requests_limit > 0, d.requests_remaining / d.requests_limit, NULL)) AS requests_left,
    max((d.start, d.tokens_limit)) AS tokens_limit,
    min(if(d.tokens_limit > 0, d.tokens_remaining / d.tokens_limit, NULL)) AS tokens_left
FROM call_details AS d WHERE d.requests_limit + d.tokens_limit > 0
GROUP BY hour, service, environment, provider, model;

CREATE MATERIALIZED VIEW IF NOT EXISTS headroom_hourly_view TO headroom_hourly AS
SELECT
    toStartOfHour(d.start) AS hour,
    d.service AS service, d.environment AS environment, d.provider AS provider, d.model AS model,
    count() AS calls,
    max((d.start, d.requests_limit)) AS requests_limit,
    min(if(d.requests_limit > 0, d.requests_remaining / d.requests_limit, NULL)) AS requests_left,
    max((d.start, d.tokens_limit)) AS tokens_limit,
    min(if(d.tokens_limit > 0, d.tokens_remaining / d.tokens_limit, NULL)) AS tokens_left
FROM call_details AS d WHERE d.requests_limit + d.tokens_limit > 0
GROUP BY hour, service, environment, provider, model;

-- How many replies were checked against which schema.
DROP VIEW IF EXISTS checks_hourly_view;

DROP TABLE IF EXISTS checks_hourly SYNC;

CREATE TABLE IF NOT EXISTS checks_hourly
(
    hour        DateTime('UTC') CODEC(Delta, ZSTD),
    service     LowCardinality(String),
    environment LowCardinality(String),
    provider    LowCardinality(String),
    model       LowCardinality(String),
    schema_name LowCardinality(String),
    calls       UInt64
)
ENGINE = SummingMergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (hour, service, environment, provider, model, schema_name)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

INSERT INTO checks_hourly (hour, service, environment, provider, model, schema_name, calls)
SELECT
    toStartOfHour(d.start) AS hour,
    d.service AS service, d.environment AS environment, d.provider AS provider, d.model AS model,
    d.schema_name AS schema_name, count() AS calls
FROM call_details AS d WHERE d.validation != ''
GROUP BY hour, service, environment, provider, model, schema_name;

CREATE MATERIALIZED VIEW IF NOT EXISTS checks_hourly_view TO checks_hourly AS
SELECT
    toStartOfHour(d.start) AS hour,
    d.service AS service, d.environment AS environment, d.provider AS provider, d.model AS model,
    d.schema_name AS schema_name, count() AS calls
FROM call_details AS d WHERE d.validation != ''
GROUP BY hour, service, environment, provider, model, schema_name;

-- Replies that failed their check.
DROP VIEW IF EXISTS failed_checks_view;

DROP TABLE IF EXISTS failed_checks SYNC;

CREATE TABLE IF NOT EXISTS failed_checks
(
    start             DateTime64(9, 'UTC') CODEC(Delta, ZSTD),
    trace_id          FixedString(16) CODEC(ZSTD),
    span_id           FixedString(8) CODEC(NONE),
    service           LowCardinality(String),
    environment       LowCardinality(String),
    provider          LowCardinality(String),
    model             LowCardinality(String),
    schema_name       LowCardinality(String),
    validation_fields Array(LowCardinality(String)) CODEC(ZSTD)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(start)
ORDER BY (toStartOfHour(start), service, start)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

INSERT INTO failed_checks (
    start, trace_id, span_id, service, environment, provider, model, schema_name, validation_fields
)
SELECT
    d.start AS start, d.trace_id AS trace_id, d.span_id AS span_id,
    d.service AS service, d.environment AS environment, d.provider AS provider, d.model AS model,
    d.schema_name AS schema_name, d.validation_fields AS validation_fields
FROM call_details AS d WHERE d.validation = 'failed';

CREATE MATERIALIZED VIEW IF NOT EXISTS failed_checks_view TO failed_checks AS
SELECT
    d.start AS start, d.trace_id AS trace_id, d.span_id AS span_id,
    d.service AS service, d.environment AS environment, d.provider AS provider, d.model AS model,
    d.schema_name AS schema_name, d.validation_fields AS validation_fields
FROM call_details AS d WHERE d.validation = 'failed';
