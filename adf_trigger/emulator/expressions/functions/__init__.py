"""The implementations of the language's functions; `expressions.table` lists them."""
