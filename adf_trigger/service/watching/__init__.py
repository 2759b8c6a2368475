"""Sees how runs end, and records it."""
