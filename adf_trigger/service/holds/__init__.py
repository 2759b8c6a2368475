"""Holds of operators, and their notes."""
