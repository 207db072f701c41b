-- What a restatement moved, by what is told apart in an export: the charge as it stood and as it stands.
CREATE TABLE IF NOT EXISTS restated_parts
(
    id              String,
    updated         DateTime64(6, 'UTC'),
    service         LowCardinality(String),
    environment     LowCardinality(String),
    provider        LowCardinality(String),
    model           LowCardinality(String),
    service_tier    LowCardinality(String),
    team            LowCardinality(String),
    feature         LowCardinality(String),
    part            LowCardinality(String),
    price_before    String,
    price_after     String,
    grade_before    LowCardinality(String),
    grade_after     LowCardinality(String),
    calls           UInt64,
    tokens          UInt64,
    cost_before     Decimal(38, 18),
    cost_after      Decimal(38, 18)
)
ENGINE = ReplacingMergeTree(updated)
ORDER BY (id, service, environment, provider, model, service_tier, team, feature, part, price_before, price_after, grade_before, grade_after)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
