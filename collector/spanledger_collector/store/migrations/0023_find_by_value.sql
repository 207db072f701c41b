-- A search for an attribute of a span reads only granules that may hold its value: 5 bytes a span. Parts that were
-- written before get theirs in the background.
ALTER TABLE spans ADD INDEX IF NOT EXISTS by_value mapValues(attributes) TYPE bloom_filter(0.025) GRANULARITY 1;

ALTER TABLE spans ADD INDEX IF NOT EXISTS by_process mapValues(resource) TYPE bloom_filter(0.025) GRANULARITY 1;

ALTER TABLE spans MATERIALIZE INDEX by_value SETTINGS mutations_sync = 0;

ALTER TABLE spans MATERIALIZE INDEX by_process SETTINGS mutations_sync = 0;
