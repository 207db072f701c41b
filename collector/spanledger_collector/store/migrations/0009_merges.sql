-- Merge column by column from the first row on, in small pieces: all columns at once hold two buffers for each of some
-- hundred streams, 200 MB for a table of calls.
ALTER TABLE calls MODIFY SETTING vertical_merge_algorithm_min_rows_to_activate = 1, max_compress_block_size = 131072, merge_max_block_size_bytes = 2097152;

ALTER TABLE spans MODIFY SETTING vertical_merge_algorithm_min_rows_to_activate = 1, max_compress_block_size = 131072, merge_max_block_size_bytes = 2097152;
