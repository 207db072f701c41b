-- Own alert rules given over the API: definition is the rule as JSON, as in a rule file. The newest row of a name holds.
CREATE TABLE IF NOT EXISTS alert_rules
(
    name            String,
    updated         DateTime64(6, 'UTC'),
    definition      String,
    author          String,
    removed         Bool
)
ENGINE = ReplacingMergeTree(updated)
ORDER BY name
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Alerts that are not told for a while, by whose wish and why. Expiring one early moves its until.
CREATE TABLE IF NOT EXISTS silences
(
    id              String,
    updated         DateTime64(6, 'UTC'),
    matchers        Map(LowCardinality(String), String),
    author          String,
    reason          String,
    since           DateTime64(6, 'UTC'),
    until           DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(updated)
ORDER BY id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Who said of an incident that they have seen it: it is then told again only when it is over.
CREATE TABLE IF NOT EXISTS acknowledgements
(
    fingerprint     String,
    since           DateTime64(6, 'UTC'),
    updated         DateTime64(6, 'UTC'),
    author          String,
    note            String
)
ENGINE = ReplacingMergeTree(updated)
ORDER BY (fingerprint, since)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
