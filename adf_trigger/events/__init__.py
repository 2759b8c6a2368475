"""What leaves the service: completion events and rejected messages, written to storage queues."""
