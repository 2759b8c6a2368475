"""Static checks: what a PUT rejects, and what createRun rejects before a run exists."""
