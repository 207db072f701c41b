"""Anomalies in the ledger, judged from buckets of facts: see ``engine``."""
