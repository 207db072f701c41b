-- What the detectors found. One row per finding; a newer evaluation replaces the row, first_seen is carried over.
-- money is NULL where a finding claims none: never zero for unknown.
CREATE TABLE IF NOT EXISTS findings
(
    id              String,
    updated         DateTime64(6, 'UTC'),
    detector        LowCardinality(String),
    category        LowCardinality(String),
    status          LowCardinality(String),
    service         LowCardinality(String),
    feature         LowCardinality(String),
    provider        LowCardinality(String),
    model           LowCardinality(String),
    call_site       String,
    window_start    DateTime64(6, 'UTC'),
    window_end      DateTime64(6, 'UTC'),
    first_seen      DateTime64(6, 'UTC'),
    last_seen       DateTime64(6, 'UTC'),
    title           String,
    why             String,
    fix             String,
    snippet         String,
    verify          String,
    confidence      LowCardinality(String),
    money_usd       Nullable(Decimal(38, 18)),
    money_grade     LowCardinality(String),
    trace_ids       Array(String)
)
ENGINE = ReplacingMergeTree(updated)
ORDER BY id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- One row per incident: a rule and its labels (the fingerprint) and when it began. State moves forward in place.
CREATE TABLE IF NOT EXISTS alerts
(
    fingerprint     String,
    since           DateTime64(6, 'UTC'),
    updated         DateTime64(6, 'UTC'),
    rule            LowCardinality(String),
    labels          Map(LowCardinality(String), String),
    state           LowCardinality(String),
    fired_at        Nullable(DateTime64(6, 'UTC')),
    resolved_at     Nullable(DateTime64(6, 'UTC')),
    last_failing    DateTime64(6, 'UTC'),
    calls           UInt64,
    seen            UInt64,
    expected        Float64,
    summary         String,
    error_types     Array(String),
    error_calls     Array(UInt64),
    trace_ids       Array(String)
)
ENGINE = ReplacingMergeTree(updated)
ORDER BY (fingerprint, since)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Every delivery tried. Who has been told is read from here, so a restart does not tell twice.
CREATE TABLE IF NOT EXISTS notifications
(
    fingerprint     String,
    since           DateTime64(6, 'UTC'),
    state           LowCardinality(String),
    notifier        LowCardinality(String),
    sent            DateTime64(6, 'UTC'),
    ok              Bool,
    retryable       Bool,
    detail          String
)
ENGINE = MergeTree
ORDER BY (sent, fingerprint)
TTL toDateTime(sent) + INTERVAL 90 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
