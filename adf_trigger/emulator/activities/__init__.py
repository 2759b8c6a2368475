"""The activity types, a module each; catalogue.py lists them."""
