"""The Copy activity: maps and converts records on their way from source to sink, and reports on the copy."""
