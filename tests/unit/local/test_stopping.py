"""When a command that runs until it is told to stop has to stop."""

import signal

import pytest

from adf_trigger.local.stopping import Stopped, stopped_by_signals


class Finalized:
    """Is told to stop where what is raised cannot be heard: in its finalizer."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGTERM)


def test_a_signal_ends_what_runs() -> None:
    """It is raised where the program is."""
    with stopped_by_signals() as asked:
        asked.check()
        with pytest.raises(Stopped, match="SIGTERM"):
            signal.raise_signal(signal.SIGTERM)


@pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
def test_a_signal_that_comes_in_a_finalizer_is_not_lost() -> None:
    """Python drops what is raised there, and the next signals are ignored: whoever waits sees it all the same."""
    with stopped_by_signals() as asked:
        Finalized()
        with pytest.raises(Stopped, match="SIGTERM"):
            asked.check()
