"""Requests and messages: strict parsing, faults in words, masking of secrets, and the texts of queue messages."""
