-- Which fields a check after the call named; and what spans told beside calls before this table was there to keep it.
-- All of it is read out of `spans`: made anew as a whole, also when this is run again; nothing is written meanwhile.
DROP VIEW IF EXISTS call_notes_view;

DROP TABLE IF EXISTS call_notes SYNC;

CREATE TABLE IF NOT EXISTS call_notes
(
    start               DateTime64(9, 'UTC') CODEC(Delta, ZSTD),
    trace_id            FixedString(16) CODEC(ZSTD),
    span_id             FixedString(8) CODEC(NONE),
    call_id             FixedString(8) CODEC(NONE),
    service             LowCardinality(String),
    feature             LowCardinality(String),
    provider            LowCardinality(String),
    model               LowCardinality(String),
    cache_hit           Bool,
    saved_input_tokens  UInt64 CODEC(T64, ZSTD),
    saved_output_tokens UInt64 CODEC(T64, ZSTD),
    logical_id          String CODEC(ZSTD),
    logical_ordinal     UInt16 CODEC(T64, ZSTD),
    fallback_from       LowCardinality(String),
    fallback_to         LowCardinality(String),
    validation          LowCardinality(String),
    validation_by       LowCardinality(String),
    schema_name         LowCardinality(String),
    validation_fields   Array(LowCardinality(String)) CODEC(ZSTD),
    validation_errors   Array(LowCardinality(String)) CODEC(ZSTD),
    tries               UInt16 CODEC(T64, ZSTD),
    INDEX by_call call_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(start)
ORDER BY (toStartOfHour(start), service, start)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

INSERT INTO call_notes (
    start, trace_id, span_id, call_id, service, feature, provider, model, cache_hit, saved_input_tokens,
    saved_output_tokens, logical_id, logical_ordinal, fallback_from, fallback_to, validation, validation_by,
    schema_name, validation_fields, validation_errors, tries
)
SELECT
    s.start AS start, s.trace_id AS trace_id, s.span_id AS span_id,
    if(s.attributes['spanledger.judged.span_id'] = '', s.span_id,
        toFixedString(unhex(extract(s.attributes['spanledger.judged.span_id'], '^[0-9a-f]{16}$')), 8)) AS call_id,
    s.service AS service,
    s.attributes['spanledger.tag.feature'] AS feature,
    s.attributes['gen_ai.provider.name'] AS provider,
    if(s.attributes['gen_ai.response.model'] = '', s.attributes['gen_ai.request.model'],
        s.attributes['gen_ai.response.model']) AS model,
    s.attributes['spanledger.cache.hit'] = 'true' AS cache_hit,
    toUInt64OrZero(s.attributes['spanledger.cache.saved.input_tokens']) AS saved_input_tokens,
    toUInt64OrZero(s.attributes['spanledger.cache.saved.output_tokens']) AS saved_output_tokens,
    unhex(extract(s.attributes['spanledger.logical.id'], '^(?:[0-9a-f]{2})*')) AS logical_id,
    toUInt16OrZero(s.attributes['spanledger.logical.ordinal']) AS logical_ordinal,
    s.attributes['spanledger.fallback.from'] AS fallback_from,
    s.attributes['spanledger.fallback.to'] AS fallback_to,
    s.attributes['spanledger.validation.outcome'] AS validation,
    s.attributes['spanledger.validation.by'] AS validation_by,
    s.attributes['spanledger.validation.schema'] AS schema_name,
    JSONExtract(s.attributes['spanledger.validation.fields'], 'Array(String)') AS validation_fields,
    JSONExtract(s.attributes['spanledger.validation.errors'], 'Array(String)') AS validation_errors,
    toUInt16OrZero(s.attributes['spanledger.tries']) AS tries
FROM spans AS s
WHERE s.attributes['spanledger.cache.hit'] = 'true'
    OR s.attributes['spanledger.logical.ordinal'] NOT IN ('', '1')
    OR s.attributes['spanledger.fallback.to'] != ''
    OR s.attributes['spanledger.judged.span_id'] != ''
    OR s.attributes['spanledger.validation.by'] != ''
    OR s.attributes['spanledger.tries'] NOT IN ('', '1');

CREATE MATERIALIZED VIEW IF NOT EXISTS call_notes_view TO call_notes AS
SELECT
    s.start AS start, s.trace_id AS trace_id, s.span_id AS span_id,
    if(s.attributes['spanledger.judged.span_id'] = '', s.span_id,
        toFixedString(unhex(extract(s.attributes['spanledger.judged.span_id'], '^[0-9a-f]{16}$')), 8)) AS call_id,
    s.service AS service,
    s.attributes['spanledger.tag.feature'] AS feature,
    s.attributes['gen_ai.provider.name'] AS provider,
    if(s.attributes['gen_ai.response.model'] = '', s.attributes['gen_ai.request.model'],
        s.attributes['gen_ai.response.model']) AS model,
    s.attributes['spanledger.cache.hit'] = 'true' AS cache_hit,
    toUInt64OrZero(s.attributes['spanledger.cache.saved.input_tokens']) AS saved_input_tokens,
    toUInt64OrZero(s.attributes['spanledger.cache.saved.output_tokens']) AS saved_output_tokens,
    unhex(extract(s.attributes['spanledger.logical.id'], '^(?:[0-9a-f]{2})*')) AS logical_id,
    toUInt16OrZero(s.attributes['spanledger.logical.ordinal']) AS logical_ordinal,
    s.attributes['spanledger.fallback.from'] AS fallback_from,
    s.attributes['spanledger.fallback.to'] AS fallback_to,
    s.attributes['spanledger.validation.outcome'] AS validation,
    s.attributes['spanledger.validation.by'] AS validation_by,
    s.attributes['spanledger.validation.schema'] AS schema_name,
    JSONExtract(s.attributes['spanledger.validation.fields'], 'Array(String)') AS validation_fields,
    JSONExtract(s.attributes['spanledger.validation.errors'], 'Array(String)') AS validation_errors,
    toUInt16OrZero(s.attributes['spanledger.tries']) AS tries
FROM spans AS s
WHERE s.attributes['spanledger.cache.hit'] = 'true'
    OR s.attributes['spanledger.logical.ordinal'] NOT IN ('', '1')
    OR s.attributes['spanledger.fallback.to'] != ''
    OR s.attributes['spanledger.judged.span_id'] != ''
    OR s.attributes['spanledger.validation.by'] != ''
    OR s.attributes['spanledger.tries'] NOT IN ('', '1');
