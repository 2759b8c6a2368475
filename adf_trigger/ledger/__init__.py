"""The run ledger: each request, its run, its state, and what was published."""
