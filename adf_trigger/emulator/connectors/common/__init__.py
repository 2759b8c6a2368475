"""Shared by all connectors: the ports of stores, reading of settings, failures, and the threads of a job."""
