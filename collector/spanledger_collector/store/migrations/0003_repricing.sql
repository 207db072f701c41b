-- What a call must carry to be priced again as it was priced first, and to have its tokens modelled.
ALTER TABLE calls ADD COLUMN IF NOT EXISTS region LowCardinality(String) AFTER service_tier;

ALTER TABLE calls ADD COLUMN IF NOT EXISTS other_usage Map(LowCardinality(String), UInt64) CODEC(ZSTD) AFTER reasoning_tokens;

ALTER TABLE calls ADD COLUMN IF NOT EXISTS input_chars Nullable(UInt64) CODEC(T64, ZSTD) AFTER other_usage;

ALTER TABLE calls ADD COLUMN IF NOT EXISTS output_chars Nullable(UInt64) CODEC(T64, ZSTD) AFTER input_chars;

-- The band of a modelled cost; NULL where there is none.
ALTER TABLE calls ADD COLUMN IF NOT EXISTS cost_low Nullable(Decimal(38, 18)) CODEC(ZSTD) AFTER cost;

ALTER TABLE calls ADD COLUMN IF NOT EXISTS cost_high Nullable(Decimal(38, 18)) CODEC(ZSTD) AFTER cost_low;

-- One row per day that was priced again: written before the calls change ("started"), replaced once they have ("applied").
CREATE TABLE IF NOT EXISTS restatements
(
    id              String,
    updated         DateTime64(6, 'UTC'),
    day             DateTime('UTC'),
    state           LowCardinality(String),
    closed_month    Bool,
    calls           UInt64,
    changed_calls   UInt64,
    cost_before     Decimal(38, 18),
    cost_after      Decimal(38, 18),
    priced_before   UInt64,
    priced_after    UInt64,
    price_book      String,
    reason          String
)
ENGINE = ReplacingMergeTree(updated)
ORDER BY id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Price lines given over the API, in the words of a price file; a newer row of the same id replaces it.
CREATE TABLE IF NOT EXISTS price_overrides
(
    id              String,
    updated         DateTime64(6, 'UTC'),
    line            String,
    removed         Bool
)
ENGINE = ReplacingMergeTree(updated)
ORDER BY id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- What providers say they billed, by day and model: rows of their exports. An import replaces what it brought before.
CREATE TABLE IF NOT EXISTS provider_bills
(
    source          LowCardinality(String),
    updated         DateTime64(6, 'UTC'),
    day             DateTime('UTC'),
    provider        LowCardinality(String),
    model           LowCardinality(String),
    line            String,
    calls           Nullable(UInt64),
    input_tokens    Nullable(UInt64),
    cache_read_tokens Nullable(UInt64),
    cache_write_tokens Nullable(UInt64),
    output_tokens   Nullable(UInt64),
    cost            Nullable(Decimal(38, 18))
)
ENGINE = ReplacingMergeTree(updated)
ORDER BY (provider, day, model, source, line)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
