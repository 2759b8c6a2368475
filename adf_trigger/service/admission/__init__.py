"""Limits the concurrent runs of a pipeline, or of each value of a key."""
