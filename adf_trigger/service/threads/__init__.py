"""Threads for work that is shared, for work beside a call, and for calls that block."""
