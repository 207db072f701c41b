-- What an alert is about in general: not only failures are counted, and money and who looks after it belong to it.
ALTER TABLE alerts MODIFY COLUMN seen Float64;
ALTER TABLE alerts ADD COLUMN IF NOT EXISTS kind LowCardinality(String) DEFAULT '';
ALTER TABLE alerts ADD COLUMN IF NOT EXISTS unit LowCardinality(String) DEFAULT 'failures';
ALTER TABLE alerts ADD COLUMN IF NOT EXISTS window_minutes UInt32 DEFAULT 5;
ALTER TABLE alerts ADD COLUMN IF NOT EXISTS basis String DEFAULT '';
ALTER TABLE alerts ADD COLUMN IF NOT EXISTS owner String DEFAULT '';
ALTER TABLE alerts ADD COLUMN IF NOT EXISTS runbook_url String DEFAULT '';
ALTER TABLE alerts ADD COLUMN IF NOT EXISTS cost_usd Nullable(Decimal(38, 18));
