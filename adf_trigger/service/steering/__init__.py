"""What people do about a run or a rejected message: cancel, rerun, resolve, replay."""
