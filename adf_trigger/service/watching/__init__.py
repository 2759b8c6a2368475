"""Detects the end of runs, and records it."""
