"""Files as sources and sinks, in any store: compression, archives, partitions, names of target files."""
