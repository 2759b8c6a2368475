"""Copying data for real, streamed: connectors (blob, REST), formats, and the pipeline that joins them.

A connector or a format is one module here and one line of registration.
"""
