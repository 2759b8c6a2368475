"""The store: all tables of the emulated service, by what they hold."""

from pathlib import Path

from adf_trigger.emulator.engine.ports import Definitions
from adf_trigger.emulator.store.database import ALL_TABLES, RUN_TABLES, Database
from adf_trigger.emulator.store.definitions import FactoryDefinitions
from adf_trigger.emulator.store.factories import Factories
from adf_trigger.emulator.store.groups import ResourceGroups
from adf_trigger.emulator.store.resources import Resources
from adf_trigger.emulator.store.runs import Runs
from adf_trigger.emulator.store.trigger_runs import TriggerRuns
from adf_trigger.emulator.store.v1 import V1Factories


class Store:
    """All tables, by what they hold.

    Args:
        path: file of the database, created if it does not exist; None keeps everything in memory.

    One connection; every call is short and made on the event loop's thread (or before the loop runs).
    """

    def __init__(self, path: Path | None) -> None:
        self._database = Database(path)
        self.groups = ResourceGroups(self._database)
        self.factories = Factories(self._database)
        self.resources = Resources(self._database)
        self.runs = Runs(self._database)
        self.trigger_runs = TriggerRuns(self._database)
        self.v1 = V1Factories(self._database)

    def definitions(self, factory_id: str) -> Definitions:
        """The engine's view of one factory."""
        return FactoryDefinitions(factory_id, self.factories, self.resources)

    def reset(self, *, keep_resources: bool = False) -> None:
        """Delete all runs; and everything else, unless resources are kept."""
        self._database.clear(RUN_TABLES if keep_resources else ALL_TABLES)

    def close(self) -> None:
        """Close the database; the store cannot be used any more."""
        self._database.close()
