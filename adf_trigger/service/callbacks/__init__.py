"""Who waits for the end of a run, and is called back."""
