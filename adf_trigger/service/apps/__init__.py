"""The apps on one ledger: their notes, their factories, and factories that are in no app's settings."""
