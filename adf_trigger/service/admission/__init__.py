"""At most so many runs of a pipeline, or of a key of it, at once."""
