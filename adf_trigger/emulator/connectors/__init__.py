"""Reading and writing data elsewhere: stores, formats, and what joins them to a source or a sink.

Copy, Delete, GetMetadata, Lookup and Validation use them. A store or a format is one module and one line of
`catalogue.py`.
"""
