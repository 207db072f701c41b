"""The write-ahead log: what is acknowledged lies here until the store has it."""

from spanledger_collector.wal.log import Limits, Log
from spanledger_collector.wal.record import Damage, Record, records
from spanledger_collector.wal.segment import LogOwned, Segment

__all__ = ["Damage", "Limits", "Log", "LogOwned", "Record", "Segment", "records"]
