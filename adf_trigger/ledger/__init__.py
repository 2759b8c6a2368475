"""The run ledger: each request with its run, its state and its publication."""
