"""Queue triggers: polling, leases, dequeue counts, poison."""
