"""Connectors to external data: stores, formats, and the sources and sinks composed of them.

Copy, Delete, GetMetadata, Lookup and Validation use them. A store or a format is one module and one line in
`catalogue.py`.
"""
