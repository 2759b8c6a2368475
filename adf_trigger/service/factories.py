"""The configured factories, by alias."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from adf_trigger.datafactory.port import PipelineRuns
from adf_trigger.errors import Fault, InvalidRequest


@dataclass(frozen=True, slots=True)
class FactoryHandle:
    """A factory that requests may name, with one of its present or former ids.

    Attributes:
        alias: its name in the settings.
        id: the resource id that its records are kept under: the present one, or one from before it moved.
        runs: the client of its present address.
        address: its present resource id; None where that is `id`.
    """

    alias: str
    id: str
    runs: PipelineRuns
    address: str | None = None

    @property
    def present_id(self) -> str:
        """Its resource id in Azure, as configured."""
        return self.address or self.id


class Factories:
    """All configured factories.

    Args:
        handles: alias → factory; at least one. New requests are kept under its id.
        beside: further ids under which records of these factories are kept, each with its alias.
    """

    def __init__(self, handles: Mapping[str, FactoryHandle], beside: Sequence[FactoryHandle] = ()) -> None:
        if not handles:
            raise ValueError("no factory is configured")
        self._handles = dict(handles)
        self._beside = tuple(beside)

    def __iter__(self) -> Iterator[FactoryHandle]:
        """Every id under which records are kept, each alias's own first."""
        return iter((*self._handles.values(), *self._beside))

    def changed(self, change: Callable[[FactoryHandle], FactoryHandle]) -> "Factories":
        """The same factories with each handle mapped."""
        return Factories(
            {alias: change(handle) for alias, handle in self._handles.items()},
            [change(handle) for handle in self._beside],
        )

    @property
    def aliases(self) -> Collection[str]:
        """The aliases that requests may name."""
        return self._handles.keys()

    def of(self, alias: str) -> Sequence[FactoryHandle]:
        """The ids under which records of an alias are kept, its own first; empty for an unknown alias."""
        return [handle for handle in self if handle.alias == alias]

    def kept_under(self, factory: str) -> FactoryHandle | None:
        """The handle of a resource id in any case; None where none has it."""
        return next((handle for handle in self if handle.id.lower() == factory.lower()), None)

    def choose(self, alias: str | None, *, pointer: str = "/factory") -> FactoryHandle:
        """The factory of an alias; the only one where none is named.

        Raises:
            InvalidRequest: no such alias, or none named where there are several.
        """
        known = ", ".join(sorted(self._handles))
        if alias is None:
            if len(self._handles) == 1:
                return next(iter(self._handles.values()))
            raise InvalidRequest([Fault(pointer, f"name one of the factories: {known}")])
        handle = self._handles.get(alias)
        if handle is None:
            raise InvalidRequest([Fault(pointer, f"no factory of that alias; there is: {known}")])
        return handle

    def only(self) -> FactoryHandle | None:
        """The factory, where there is only one."""
        return next(iter(self._handles.values())) if len(self._handles) == 1 else None


def placed(
    present: Mapping[str, str], moved: Mapping[str, str], runs: Mapping[str, PipelineRuns]
) -> Factories:
    """The factories of the settings.

    Requests of an alias that has moved are still kept under its former id: their keys, digests and the source of their
    events stay as they are, and hosts before and after the change use the same rows. Only calls go to the new address.

    Args:
        present: alias → present resource id.
        moved: former resource id → alias.
        runs: alias → its client.
    """
    handles: dict[str, FactoryHandle] = {}
    beside: list[FactoryHandle] = []
    for alias, address in present.items():
        former = [each for each, its in moved.items() if its == alias and each.lower() != address.lower()]
        first, *others = [
            FactoryHandle(alias, each, runs[alias], address if each is not address else None)
            for each in (*former, address)
        ]
        handles[alias] = first
        beside += others
    return Factories(handles, beside)
