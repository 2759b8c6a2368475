"""The outgoing side: completion events and rejected messages, written to storage queues."""
