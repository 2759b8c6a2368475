"""The registry of an engine's activity types. The table of the emulated ones is activities/catalogue.py."""

from collections.abc import Collection, Mapping

from adf_trigger.emulator.contract.control import ControlActivity


class Registry:
    """Finds an activity type by its name, case-insensitively (the service accepts `filter` for Filter).

    Args:
        execution: activities with a policy, by name.
        control: activities that control the run, by name.
        reaching_outside: names of control activities that reach outside, as every execution activity does
            (WebHook: its policy has neither retry nor timeout, according to the API's description).
    """

    def __init__(
        self,
        execution: Mapping[str, ControlActivity],
        control: Mapping[str, ControlActivity],
        reaching_outside: Collection[str] = (),
    ) -> None:
        self._execution = {name.casefold(): activity for name, activity in execution.items()}
        self._control = {name.casefold(): activity for name, activity in control.items()}
        self._reaching_outside = {name.casefold() for name in (*execution, *reaching_outside)}
        self.names = sorted([*execution, *control])

    def find(self, type_name: str) -> ControlActivity | None:
        """The activity of a type; None if it is not emulated."""
        folded = type_name.casefold()
        return self._control.get(folded) or self._execution.get(folded)

    def is_execution(self, type_name: str) -> bool:
        """Whether a type has a policy of retries and time-outs."""
        return type_name.casefold() in self._execution

    def reaches_outside(self, type_name: str) -> bool:
        """Whether an activity of a type does something outside the run.

        A recovery run shows the activity's earlier output instead of running it again, and its payload is limited.
        """
        return type_name.casefold() in self._reaching_outside
