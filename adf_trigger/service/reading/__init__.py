"""Shows runs, their activities, and pipelines."""
