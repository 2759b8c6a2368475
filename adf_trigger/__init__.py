"""Start Azure Data Factory pipelines by HTTP or queue: once, told early, told when they end and why."""

__version__ = "0.1.0"
