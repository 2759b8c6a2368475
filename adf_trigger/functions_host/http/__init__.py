"""HTTP triggers and the host's own addresses: routing, keys, throttling, requests and responses."""
