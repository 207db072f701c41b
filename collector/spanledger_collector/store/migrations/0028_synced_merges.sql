-- The embedded engine lets the parts that it merged go at once, and by itself never syncs the one they became: a power cut
-- soon after could lose rows that were on the disk before. A server keeps them for eight minutes instead.
ALTER TABLE acknowledgements MODIFY SETTING min_rows_to_fsync_after_merge = 1;

ALTER TABLE alert_rules MODIFY SETTING min_rows_to_fsync_after_merge = 1;

ALTER TABLE alerts MODIFY SETTING min_rows_to_fsync_after_merge = 1;

ALTER TABLE budgets MODIFY SETTING min_rows_to_fsync_after_merge = 1;

ALTER TABLE call_details MODIFY SETTING min_rows_to_fsync_after_merge = 1;

ALTER TABLE call_notes MODIFY SETTING min_rows_to_fsync_after_merge = 1;

ALTER TABLE call_parts_hourly MODIFY SETTING min_rows_to_fsync_after_merge = 1;

ALTER TABLE call_repeats MODIFY SETTING min_rows_to_fsync_after_merge = 1;

ALTER TABLE calls MODIFY SETTING min_rows_to_fsync_after_merge = 1;

ALTER TABLE calls_hourly MODIFY SETTING min_rows_to_fsync_after_merge = 1;

ALTER TABLE checks_hourly MODIFY SETTING min_rows_to_fsync_after_merge = 1;

ALTER TABLE failed_checks MODIFY SETTING min_rows_to_fsync_after_merge = 1;

ALTER TABLE findings MODIFY SETTING min_rows_to_fsync_after_merge = 1;

ALTER TABLE fingerprints MODIFY SETTING min_rows_to_fsync_after_merge = 1;

ALTER TABLE headroom_hourly MODIFY SETTING min_rows_to_fsync_after_merge = 1;

ALTER TABLE notifications MODIFY SETTING min_rows_to_fsync_after_merge = 1;

ALTER TABLE places_hourly MODIFY SETTING min_rows_to_fsync_after_merge = 1;

ALTER TABLE price_overrides MODIFY SETTING min_rows_to_fsync_after_merge = 1;

ALTER TABLE provider_bills MODIFY SETTING min_rows_to_fsync_after_merge = 1;

ALTER TABLE restated_parts MODIFY SETTING min_rows_to_fsync_after_merge = 1;

ALTER TABLE restatements MODIFY SETTING min_rows_to_fsync_after_merge = 1;

ALTER TABLE retold_calls MODIFY SETTING min_rows_to_fsync_after_merge = 1;

ALTER TABLE schema_migrations MODIFY SETTING min_rows_to_fsync_after_merge = 1, fsync_after_insert = 1, fsync_part_directory = 1;

ALTER TABLE silences MODIFY SETTING min_rows_to_fsync_after_merge = 1;

ALTER TABLE spans MODIFY SETTING min_rows_to_fsync_after_merge = 1;
