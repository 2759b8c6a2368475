"""Publishes recorded ends, and sends them along the routes."""
