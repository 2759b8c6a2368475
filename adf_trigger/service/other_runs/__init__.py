"""Runs that others start: claimed at their end, then published."""
