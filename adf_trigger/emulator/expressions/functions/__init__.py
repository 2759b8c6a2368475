"""The implementations of the language's functions; the table of them is `expressions.table`."""
