"""The activity types, a module each; registry.py lists them."""
