"""The run ledger: what was asked for, which run it became, how far that has come, and what was published."""
