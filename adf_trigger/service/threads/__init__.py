"""Threads: shared work, background work, and calls that block."""
