-- The ledger: one row per logical, billed call; exact Decimal money by part; NULL cost means unknown, never zero.
-- The dedup window lets a replayed WAL segment be inserted again without a second row (insert_deduplication_token);
-- the fsync settings make a part outlast a power cut before its segment is deleted.
CREATE TABLE IF NOT EXISTS calls
(
    segment             UInt64 CODEC(Delta, ZSTD),
    start               DateTime64(9, 'UTC') CODEC(Delta, ZSTD),
    duration_ns         UInt64 CODEC(T64, ZSTD),
    first_chunk_ns      Nullable(UInt64) CODEC(T64, ZSTD),
    trace_id            FixedString(16) CODEC(ZSTD),
    span_id             FixedString(8) CODEC(NONE),
    parent_span_id      FixedString(8) CODEC(ZSTD),
    dialect             LowCardinality(String),
    service             LowCardinality(String),
    service_version     LowCardinality(String),
    environment         LowCardinality(String),
    provider            LowCardinality(String),
    server_address      LowCardinality(String),
    operation           LowCardinality(String),
    request_model       LowCardinality(String),
    model               LowCardinality(String),
    response_id         String CODEC(ZSTD),
    stream              Bool,
    outcome             LowCardinality(String),
    error_type          LowCardinality(String),
    http_status         UInt16,
    finish_reason       LowCardinality(String),
    service_tier        LowCardinality(String),
    attempts            UInt16,
    usage_grade         LowCardinality(String),
    input_tokens        Nullable(UInt64) CODEC(T64, ZSTD),
    uncached_input_tokens UInt64 CODEC(T64, ZSTD),
    cache_read_tokens   UInt64 CODEC(T64, ZSTD),
    cache_write_5m_tokens UInt64 CODEC(T64, ZSTD),
    cache_write_1h_tokens UInt64 CODEC(T64, ZSTD),
    audio_input_tokens  UInt64 CODEC(T64, ZSTD),
    output_tokens       Nullable(UInt64) CODEC(T64, ZSTD),
    audio_output_tokens UInt64 CODEC(T64, ZSTD),
    reasoning_tokens    UInt64 CODEC(T64, ZSTD),
    cost                Nullable(Decimal(38, 18)) CODEC(ZSTD),
    cost_input          Decimal(38, 18) CODEC(ZSTD),
    cost_cache_read     Decimal(38, 18) CODEC(ZSTD),
    cost_cache_write    Decimal(38, 18) CODEC(ZSTD),
    cost_output         Decimal(38, 18) CODEC(ZSTD),
    cost_other          Decimal(38, 18) CODEC(ZSTD),
    cost_grade          LowCardinality(String),
    cost_reason         LowCardinality(String),
    price               LowCardinality(String),
    usage_note          LowCardinality(String),
    demo                Bool,
    conversation        String CODEC(ZSTD),
    prompt_name         LowCardinality(String),
    prompt_version      LowCardinality(String),
    feature             LowCardinality(String),
    team                LowCardinality(String),
    user                String CODEC(ZSTD),
    tags                Map(LowCardinality(String), String) CODEC(ZSTD),
    code_file           LowCardinality(String),
    code_line           UInt32 CODEC(T64, ZSTD),
    code_function       LowCardinality(String),
    INDEX by_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX by_span span_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(start)
ORDER BY (toStartOfHour(start), service, model, start)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Every span, billed or not, for the waterfall and for what later releases learn to read.
CREATE TABLE IF NOT EXISTS spans
(
    segment         UInt64 CODEC(Delta, ZSTD),
    start           DateTime64(9, 'UTC') CODEC(Delta, ZSTD),
    duration_ns     UInt64 CODEC(T64, ZSTD),
    trace_id        FixedString(16) CODEC(ZSTD),
    span_id         FixedString(8) CODEC(NONE),
    parent_span_id  FixedString(8) CODEC(ZSTD),
    service         LowCardinality(String),
    name            LowCardinality(String),
    kind            UInt8,
    status          UInt8,
    status_message  String CODEC(ZSTD),
    scope           LowCardinality(String),
    attributes      Map(LowCardinality(String), String) CODEC(ZSTD),
    resource        Map(LowCardinality(String), String) CODEC(ZSTD),
    INDEX by_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX by_span span_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(start)
ORDER BY (toStartOfHour(start), service, start)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- First rollup: what the pages sum. Narrow on purpose; whole hours come from here, broken ones from calls.
CREATE TABLE IF NOT EXISTS calls_hourly
(
    hour              DateTime('UTC') CODEC(Delta, ZSTD),
    service           LowCardinality(String),
    environment       LowCardinality(String),
    provider          LowCardinality(String),
    model             LowCardinality(String),
    feature           LowCardinality(String),
    team              LowCardinality(String),
    outcome           LowCardinality(String),
    cost_grade        LowCardinality(String),
    calls             UInt64,
    priced_calls      UInt64,
    attempts          UInt64,
    without_usage     UInt64,
    input_tokens      UInt64,
    cache_read_tokens UInt64,
    cache_write_tokens UInt64,
    output_tokens     UInt64,
    reasoning_tokens  UInt64,
    cost              Decimal(38, 18),
    cost_input        Decimal(38, 18),
    cost_cache_read   Decimal(38, 18),
    cost_cache_write  Decimal(38, 18),
    cost_output       Decimal(38, 18),
    cost_other        Decimal(38, 18)
)
ENGINE = SummingMergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (hour, service, environment, provider, model, feature, team, outcome, cost_grade)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Calls of unknown cost add 0 to the sum here; priced_calls says how many of the calls the sum speaks for.
CREATE MATERIALIZED VIEW IF NOT EXISTS calls_hourly_view TO calls_hourly AS
SELECT
    toStartOfHour(c.start) AS hour,
    c.service AS service, c.environment AS environment, c.provider AS provider, c.model AS model,
    c.feature AS feature, c.team AS team, c.outcome AS outcome, c.cost_grade AS cost_grade,
    count() AS calls,
    countIf(c.cost IS NOT NULL) AS priced_calls,
    sum(c.attempts) AS attempts,
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
