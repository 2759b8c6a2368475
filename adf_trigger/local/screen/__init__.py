"""Terminal output of the local stack."""
