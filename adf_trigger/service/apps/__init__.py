"""The apps on one ledger: their notes, which factory is whose, what no app has in its settings."""
