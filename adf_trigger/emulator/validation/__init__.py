"""Static checks of a PUT, and of a createRun before its run exists."""
