"""Outgoing events: to queues, webhooks and callbacks."""
