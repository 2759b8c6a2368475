"""Callbacks at the end of a run."""
