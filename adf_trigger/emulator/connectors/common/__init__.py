"""What all connectors share: the ports of stores, settings as they are written, failures, and the threads of a job."""
