-- Merge more parts at once and each row so less often: half of what storing a span took was merging, and at full ingest
-- most parts were merged only to be merged again. What is left alone is merged by its age as before. In smaller blocks,
-- so that the more parts that are read at once take no more memory.
ALTER TABLE calls MODIFY SETTING merge_selector_base = 14, merge_max_block_size = 1024;

ALTER TABLE spans MODIFY SETTING merge_selector_base = 14, merge_max_block_size = 1024;
