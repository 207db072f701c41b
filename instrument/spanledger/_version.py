"""One version for the library, the collector and the dashboard."""

__version__ = "0.1.0"
