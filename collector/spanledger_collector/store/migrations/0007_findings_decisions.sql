-- How much evidence a finding has, what of its money others claim already, and what people decided about it.
ALTER TABLE findings ADD COLUMN IF NOT EXISTS calls UInt64 DEFAULT 0;
ALTER TABLE findings ADD COLUMN IF NOT EXISTS days UInt16 DEFAULT 0;
ALTER TABLE findings ADD COLUMN IF NOT EXISTS overlap_usd Nullable(Decimal(38, 18));
ALTER TABLE findings ADD COLUMN IF NOT EXISTS decided_at Nullable(DateTime64(6, 'UTC'));
ALTER TABLE findings ADD COLUMN IF NOT EXISTS decided_by String DEFAULT '';
ALTER TABLE findings ADD COLUMN IF NOT EXISTS decision_note String DEFAULT '';
ALTER TABLE findings ADD COLUMN IF NOT EXISTS decided_usd Nullable(Decimal(38, 18));
ALTER TABLE findings ADD COLUMN IF NOT EXISTS saved_usd_per_call Nullable(Float64);
ALTER TABLE findings ADD COLUMN IF NOT EXISTS saved_low Nullable(Float64);
ALTER TABLE findings ADD COLUMN IF NOT EXISTS saved_high Nullable(Float64);
