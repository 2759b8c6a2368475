"""The activity types, one module each; catalogue.py lists them."""
