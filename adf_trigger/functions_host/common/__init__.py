"""Shared by all parts of the host: errors, settings, clock and storage."""
