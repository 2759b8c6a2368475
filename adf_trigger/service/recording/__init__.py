"""The run ledger's only writer, and every move that a record can make."""
