"""Records as callers see them, and all events that are built from them."""
