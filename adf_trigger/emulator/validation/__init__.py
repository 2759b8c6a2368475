"""Static checks: what a PUT refuses, and what createRun refuses before a run exists."""
