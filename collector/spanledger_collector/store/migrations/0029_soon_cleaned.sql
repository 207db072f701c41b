-- A part that was merged into another goes after some seconds instead of minutes: at full ingest there were eleven hundred
-- of them, which is 30 MB of memory and as much disk as they tell of. What they became is on the disk before.
ALTER TABLE calls MODIFY SETTING cleanup_delay_period = 5, cleanup_delay_period_random_add = 1, max_cleanup_delay_period = 15;

ALTER TABLE spans MODIFY SETTING cleanup_delay_period = 5, cleanup_delay_period_random_add = 1, max_cleanup_delay_period = 15;

ALTER TABLE call_details MODIFY SETTING cleanup_delay_period = 5, cleanup_delay_period_random_add = 1, max_cleanup_delay_period = 15;

ALTER TABLE call_notes MODIFY SETTING cleanup_delay_period = 5, cleanup_delay_period_random_add = 1, max_cleanup_delay_period = 15;

ALTER TABLE call_parts_hourly MODIFY SETTING cleanup_delay_period = 5, cleanup_delay_period_random_add = 1, max_cleanup_delay_period = 15;

ALTER TABLE call_repeats MODIFY SETTING cleanup_delay_period = 5, cleanup_delay_period_random_add = 1, max_cleanup_delay_period = 15;

ALTER TABLE calls_hourly MODIFY SETTING cleanup_delay_period = 5, cleanup_delay_period_random_add = 1, max_cleanup_delay_period = 15;

ALTER TABLE checks_hourly MODIFY SETTING cleanup_delay_period = 5, cleanup_delay_period_random_add = 1, max_cleanup_delay_period = 15;

ALTER TABLE failed_checks MODIFY SETTING cleanup_delay_period = 5, cleanup_delay_period_random_add = 1, max_cleanup_delay_period = 15;

ALTER TABLE fingerprints MODIFY SETTING cleanup_delay_period = 5, cleanup_delay_period_random_add = 1, max_cleanup_delay_period = 15;

ALTER TABLE headroom_hourly MODIFY SETTING cleanup_delay_period = 5, cleanup_delay_period_random_add = 1, max_cleanup_delay_period = 15;

ALTER TABLE places_hourly MODIFY SETTING cleanup_delay_period = 5, cleanup_delay_period_random_add = 1, max_cleanup_delay_period = 15;
