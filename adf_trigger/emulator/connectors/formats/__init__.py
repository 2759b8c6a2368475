"""File formats, one module each, registered by one line in connectors/catalogue.py."""
