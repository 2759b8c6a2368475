"""Holds of operators, and the notes of them."""
