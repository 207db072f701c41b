"""The data directory looked after: backed up, restored, checked, and moved to a ClickHouse server."""
