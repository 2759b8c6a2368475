"""How a command that runs until it is stopped gets its signal."""

import signal

import pytest

from adf_trigger.local.stopping import Stopped, stopped_by_signals


class Finalized:
    """Gets its signal where exceptions are dropped: in its finalizer."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGTERM)


def test_a_signal_ends_what_runs() -> None:
    """The exception is raised in the running code."""
    with stopped_by_signals() as asked:
        asked.check()
        with pytest.raises(Stopped, match="SIGTERM"):
            signal.raise_signal(signal.SIGTERM)


@pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
def test_a_signal_in_a_finalizer_is_not_lost() -> None:
    """Python drops the exception there, and the next signals are ignored: a waiting caller still sees it."""
    with stopped_by_signals() as asked:
        Finalized()
        with pytest.raises(Stopped, match="SIGTERM"):
            asked.check()
