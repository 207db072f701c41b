-- What the library saw around a call, typed, for detectors and pages: read out of `spans` by the store itself, so that
-- a segment that is inserted again is told by the same token. Other dialects carry little of it and get no row.
CREATE TABLE IF NOT EXISTS call_details
(
    start               DateTime64(9, 'UTC') CODEC(Delta, ZSTD),
    trace_id            FixedString(16) CODEC(ZSTD),
    span_id             FixedString(8) CODEC(NONE),
    service             LowCardinality(String),
    input_chars         UInt32 CODEC(T64, ZSTD),
    output_chars        UInt32 CODEC(T64, ZSTD),
    max_tokens          UInt32 CODEC(T64, ZSTD),
    temperature         Nullable(Float32) CODEC(ZSTD),
    timeout_s           Nullable(Float32) CODEC(ZSTD),
    max_retries         Nullable(UInt16) CODEC(ZSTD),
    attempt_statuses    Array(UInt16) CODEC(ZSTD),
    attempt_errors      Array(LowCardinality(String)) CODEC(ZSTD),
    attempt_durations_s Array(Float32) CODEC(ZSTD),
    attempt_waits_s     Array(Float32) CODEC(ZSTD),
    attempt_retry_after_s Array(Float32) CODEC(ZSTD),
    requests_limit      UInt64 CODEC(T64, ZSTD),
    requests_remaining  UInt64 CODEC(T64, ZSTD),
    tokens_limit        UInt64 CODEC(T64, ZSTD),
    tokens_remaining    UInt64 CODEC(T64, ZSTD),
    output_type         LowCardinality(String),
    schema_name         LowCardinality(String),
    validation          LowCardinality(String),
    validation_fields   Array(LowCardinality(String)) CODEC(ZSTD),
    validation_errors   Array(LowCardinality(String)) CODEC(ZSTD),
    INDEX by_span span_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(start)
ORDER BY (toStartOfHour(start), service, start)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS call_details_view TO call_details AS
SELECT
    s.start AS start, s.trace_id AS trace_id, s.span_id AS span_id, s.service AS service,
    toUInt32OrZero(s.attributes['spanledger.input.chars']) AS input_chars,
    toUInt32OrZero(s.attributes['spanledger.output.chars']) AS output_chars,
    toUInt32OrZero(s.attributes['gen_ai.request.max_tokens']) AS max_tokens,
    toFloat32OrNull(s.attributes['gen_ai.request.temperature']) AS temperature,
    toFloat32OrNull(s.attributes['spanledger.request.timeout']) AS timeout_s,
    toUInt16OrNull(s.attributes['spanledger.request.max_retries']) AS max_retries,
    JSONExtract(s.attributes['spanledger.attempt.statuses'], 'Array(UInt16)') AS attempt_statuses,
    JSONExtract(s.attributes['spanledger.attempt.errors'], 'Array(String)') AS attempt_errors,
    JSONExtract(s.attributes['spanledger.attempt.durations'], 'Array(Float32)') AS attempt_durations_s,
    JSONExtract(s.attributes['spanledger.attempt.waits'], 'Array(Float32)') AS attempt_waits_s,
    JSONExtract(s.attributes['spanledger.attempt.retry_afters'], 'Array(Float32)') AS attempt_retry_after_s,
    toUInt64OrZero(s.attributes['spanledger.rate_limit.requests.limit']) AS requests_limit,
    toUInt64OrZero(s.attributes['spanledger.rate_limit.requests.remaining']) AS requests_remaining,
    toUInt64OrZero(s.attributes['spanledger.rate_limit.tokens.limit']) AS tokens_limit,
    toUInt64OrZero(s.attributes['spanledger.rate_limit.tokens.remaining']) AS tokens_remaining,
    s.attributes['gen_ai.output.type'] AS output_type,
    s.attributes['spanledger.validation.schema'] AS schema_name,
    s.attributes['spanledger.validation.outcome'] AS validation,
    JSONExtract(s.attributes['spanledger.validation.fields'], 'Array(String)') AS validation_fields,
    JSONExtract(s.attributes['spanledger.validation.errors'], 'Array(String)') AS validation_errors
FROM spans AS s
WHERE s.attributes['spanledger.outcome'] != '';

-- Prompts as the provider's cache sees them, as keyed hashes: where they part, never what they say. Kept for two weeks.
-- A chain has 6 bytes per full block, each hash covering the text from its start; masked: volatile text blanked.
CREATE TABLE IF NOT EXISTS fingerprints
(
    start           DateTime64(9, 'UTC') CODEC(Delta, ZSTD),
    trace_id        FixedString(16) CODEC(ZSTD),
    span_id         FixedString(8) CODEC(NONE),
    service         LowCardinality(String),
    request         String CODEC(ZSTD),
    system          String CODEC(ZSTD),
    messages        String CODEC(ZSTD),
    tools           String CODEC(ZSTD),
    tools_sorted    String CODEC(ZSTD),
    tools_canonical String CODEC(ZSTD),
    schema          String CODEC(ZSTD),
    schema_canonical String CODEC(ZSTD),
    block_chars     UInt16,
    blocks          String CODEC(ZSTD),
    masked_blocks   String CODEC(ZSTD),
    section_chars   Array(UInt32) CODEC(ZSTD),
    volatile_kinds  Array(LowCardinality(String)) CODEC(ZSTD),
    volatile_offsets Array(UInt32) CODEC(ZSTD),
    breakpoints     Array(UInt32) CODEC(ZSTD),
    message_count   UInt32 CODEC(T64, ZSTD),
    part_count      UInt32 CODEC(T64, ZSTD),
    roles           Array(LowCardinality(String)) CODEC(ZSTD),
    role_chars      Array(UInt32) CODEC(ZSTD),
    INDEX by_span span_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(start)
ORDER BY (toStartOfHour(start), service, start)
TTL toDateTime(start) + INTERVAL 14 DAY
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS fingerprints_view TO fingerprints AS
SELECT
    s.start AS start, s.trace_id AS trace_id, s.span_id AS span_id, s.service AS service,
    unhex(s.attributes['spanledger.fingerprint.request']) AS request,
    unhex(s.attributes['spanledger.fingerprint.system']) AS system,
    unhex(s.attributes['spanledger.fingerprint.messages']) AS messages,
    unhex(s.attributes['spanledger.fingerprint.tools']) AS tools,
    unhex(s.attributes['spanledger.fingerprint.tools.sorted']) AS tools_sorted,
    unhex(s.attributes['spanledger.fingerprint.tools.canonical']) AS tools_canonical,
    unhex(s.attributes['spanledger.fingerprint.schema']) AS schema,
    unhex(s.attributes['spanledger.fingerprint.schema.canonical']) AS schema_canonical,
    toUInt16OrZero(s.attributes['spanledger.prefix.block_chars']) AS block_chars,
    unhex(extract(s.attributes['spanledger.prefix.blocks'], '^(?:[0-9a-f]{12})*')) AS blocks,
    unhex(extract(s.attributes['spanledger.prefix.masked_blocks'], '^(?:[0-9a-f]{12})*')) AS masked_blocks,
    JSONExtract(s.attributes['spanledger.prefix.section_chars'], 'Array(UInt32)') AS section_chars,
    JSONExtract(s.attributes['spanledger.prefix.volatile.kinds'], 'Array(String)') AS volatile_kinds,
    JSONExtract(s.attributes['spanledger.prefix.volatile.offsets'], 'Array(UInt32)') AS volatile_offsets,
    JSONExtract(s.attributes['spanledger.prefix.breakpoints'], 'Array(UInt32)') AS breakpoints,
    toUInt32OrZero(s.attributes['spanledger.prompt.messages']) AS message_count,
    toUInt32OrZero(s.attributes['spanledger.prompt.parts']) AS part_count,
    JSONExtract(s.attributes['spanledger.prompt.roles'], 'Array(String)') AS roles,
    JSONExtract(s.attributes['spanledger.prompt.role_chars'], 'Array(UInt32)') AS role_chars
FROM spans AS s
WHERE s.attributes['spanledger.fingerprint.request'] != '';
