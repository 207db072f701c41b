-- What a scope may spend in a calendar month, from a month on; the newest month that has begun holds. An empty team,
-- feature or model means all of them. usd is NULL from the month on in which a budget was taken back.
CREATE TABLE IF NOT EXISTS budgets
(
    team            LowCardinality(String),
    feature         LowCardinality(String),
    model           LowCardinality(String),
    from_month      Date,
    updated         DateTime64(6, 'UTC'),
    usd             Nullable(Decimal(38, 18)),
    note            String
)
ENGINE = ReplacingMergeTree(updated)
ORDER BY (team, feature, model, from_month)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
