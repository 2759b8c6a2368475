"""Files as sources and sinks, whatever store they are in: compression, archives, partitions, names of targets."""
