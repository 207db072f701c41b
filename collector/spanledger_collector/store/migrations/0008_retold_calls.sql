-- Who told of a call: two emitters that tell of the same one are billed once.
ALTER TABLE calls ADD COLUMN IF NOT EXISTS emitter LowCardinality(String) AFTER dialect;

-- Calls that another span told of too, and better: not billed, in no sum. kept_* is the row of `calls` that has the bill,
-- or had it when this was written.
CREATE TABLE IF NOT EXISTS retold_calls
(
    segment         UInt64 CODEC(Delta, ZSTD),
    start           DateTime64(9, 'UTC') CODEC(Delta, ZSTD),
    duration_ns     UInt64 CODEC(T64, ZSTD),
    trace_id        FixedString(16) CODEC(ZSTD),
    span_id         FixedString(8) CODEC(NONE),
    parent_span_id  FixedString(8) CODEC(ZSTD),
    emitter         LowCardinality(String),
    service         LowCardinality(String),
    model           LowCardinality(String),
    request_model   LowCardinality(String),
    response_id     String CODEC(ZSTD),
    outcome         LowCardinality(String),
    usage_grade     LowCardinality(String),
    input_tokens    Nullable(UInt64) CODEC(T64, ZSTD),
    output_tokens   Nullable(UInt64) CODEC(T64, ZSTD),
    kept_trace_id   FixedString(16) CODEC(ZSTD),
    kept_span_id    FixedString(8) CODEC(NONE)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(start)
ORDER BY (toStartOfHour(start), service, start)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
