"""The storage of the emulated service: one SQLite database, in a file or in memory."""

from adf_trigger.emulator.store.store import Store

__all__ = ["Store"]
