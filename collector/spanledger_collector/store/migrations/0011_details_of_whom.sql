-- Whose call it is told beside what the library saw, so that pages need not look each one up among the calls.
-- All of it is read out of `spans`: made anew as a whole, also when this is run again; nothing is written meanwhile.
DROP VIEW IF EXISTS call_details_view;

DROP TABLE IF EXISTS call_details SYNC;

CREATE TABLE IF NOT EXISTS call_details
(
    start               DateTime64(9, 'UTC') CODEC(Delta, ZSTD),
    trace_id            FixedString(16) CODEC(ZSTD),
    span_id             FixedString(8) CODEC(NONE),
    service             LowCardinality(String),
    provider            LowCardinality(String),
    model               LowCardinality(String),
    environment         LowCardinality(String),
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

INSERT INTO call_details (
    start, trace_id, span_id, service, provider, model, environment, input_chars, output_chars, max_tokens, temperature,
    timeout_s, max_retries, attempt_statuses, attempt_errors, attempt_durations_s, attempt_waits_s, attempt_retry_after_s,
    requests_limit, requests_remaining, tokens_limit, tokens_remaining, output_type, schema_name, validation, validation_fields,
    validation_errors
)
SELECT
    s.start AS start, s.trace_id AS trace_id, s.span_id AS span_id, s.service AS service,
    if(s.attributes['gen_ai.provider.name'] = '', s.attributes['gen_ai.system'], s.attributes['gen_ai.provider.name']) AS provider,
    if(s.attributes['gen_ai.response.model'] = '', s.attributes['gen_ai.request.model'], s.attributes['gen_ai.response.model']) AS model,
    if(s.resource['deployment.environment.name'] = '', s.resource['deployment.environment'], s.resource['deployment.environment.name']) AS environment,
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

CREATE MATERIALIZED VIEW IF NOT EXISTS call_details_view TO call_details AS
SELECT
    s.start AS start, s.trace_id AS trace_id, s.span_id AS span_id, s.service AS service,
    if(s.attributes['gen_ai.provider.name'] = '', s.attributes['gen_ai.system'], s.attributes['gen_ai.provider.name']) AS provider,
    if(s.attributes['gen_ai.response.model'] = '', s.attributes['gen_ai.request.model'], s.attributes['gen_ai.response.model']) AS model,
    if(s.resource['deployment.environment.name'] = '', s.resource['deployment.environment'], s.resource['deployment.environment.name']) AS environment,
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
