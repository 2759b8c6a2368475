"""Start Azure Data Factory pipelines by HTTP or queue, once, with early faults, and publish how they end and why."""

__version__ = "0.1.0"
