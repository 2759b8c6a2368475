"""Whether the service does its work: checked by the timer, read by whoever asks."""
