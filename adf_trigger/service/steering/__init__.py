"""Actions on a run or a rejected message: cancel, rerun, resolve, replay, hold."""
