"""Whether and how often Data Factory may be called now: budgets, throttling, the state of each factory."""
