"""From a request to its run: check, claim, send."""
