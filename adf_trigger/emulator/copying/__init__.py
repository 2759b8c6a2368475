"""The Copy activity: maps and converts what flows from a source to a sink, and reports on it."""
