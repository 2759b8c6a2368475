"""File formats: each is one module, registered in one line of connectors/catalogue.py."""
