"""Requests and messages as they travel: strictly read, faults in words, secrets masked, texts packed."""
