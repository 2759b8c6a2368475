"""The configured factories, by alias."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from adf_trigger.datafactory.port import PipelineRuns
from adf_trigger.errors import Fault, InvalidRequest


@dataclass(frozen=True, slots=True)
class FactoryHandle:
    """A factory that requests may name.

    Attributes:
        alias: its name in the settings.
        id: its resource id, as configured.
        runs: the client that talks to it.
    """

    alias: str
    id: str
    runs: PipelineRuns


class Factories:
    """All configured factories.

    Args:
        handles: alias → factory; at least one.
    """

    def __init__(self, handles: Mapping[str, FactoryHandle]) -> None:
        if not handles:
            raise ValueError("no factory is configured")
        self._handles = dict(handles)

    def __iter__(self) -> Iterator[FactoryHandle]:
        return iter(self._handles.values())

    def choose(self, alias: str | None, *, pointer: str = "/factory") -> FactoryHandle:
        """The factory of an alias; the only one where none is named.

        Raises:
            InvalidRequest: no such alias, or none named where there are several.
        """
        known = ", ".join(sorted(self._handles))
        if alias is None:
            if len(self._handles) == 1:
                return next(iter(self))
            raise InvalidRequest([Fault(pointer, f"name one of the factories: {known}")])
        handle = self._handles.get(alias)
        if handle is None:
            raise InvalidRequest([Fault(pointer, f"no factory of that alias; there is: {known}")])
        return handle

    def only(self) -> FactoryHandle | None:
        """The factory, where there is only one."""
        return next(iter(self)) if len(self._handles) == 1 else None
