"""The activity types that are emulated: one line each.

To add one: copy wait.py, write its function, add its line. An activity that moves or asks for data goes
to EXECUTION: it has a policy (retry, timeout) and is taken over by a recovery run. One that steers the
run goes to CONTROL.
"""

from collections.abc import Collection, Mapping

from adf_trigger.emulator.engine.activities.append_variable import append_variable
from adf_trigger.emulator.engine.activities.azure_function import azure_function
from adf_trigger.emulator.engine.activities.control import ControlActivity
from adf_trigger.emulator.engine.activities.copy import copy
from adf_trigger.emulator.engine.activities.delete import delete
from adf_trigger.emulator.engine.activities.execute_pipeline import execute_pipeline
from adf_trigger.emulator.engine.activities.fail import fail
from adf_trigger.emulator.engine.activities.filter import filter_items
from adf_trigger.emulator.engine.activities.for_each import for_each
from adf_trigger.emulator.engine.activities.get_metadata import get_metadata
from adf_trigger.emulator.engine.activities.if_condition import if_condition
from adf_trigger.emulator.engine.activities.lookup import lookup
from adf_trigger.emulator.engine.activities.set_variable import set_variable
from adf_trigger.emulator.engine.activities.switch import switch
from adf_trigger.emulator.engine.activities.until import until
from adf_trigger.emulator.engine.activities.validation import validation
from adf_trigger.emulator.engine.activities.wait import wait
from adf_trigger.emulator.engine.activities.web import web

EXECUTION: dict[str, ControlActivity] = {
    "AzureFunctionActivity": azure_function,
    "Copy": copy,
    "Delete": delete,
    "GetMetadata": get_metadata,
    "Lookup": lookup,
    "WebActivity": web,
}

CONTROL: dict[str, ControlActivity] = {
    "AppendVariable": append_variable,
    "ExecutePipeline": execute_pipeline,
    "Fail": fail,
    "Filter": filter_items,
    "ForEach": for_each,
    "IfCondition": if_condition,
    "SetVariable": set_variable,
    "Switch": switch,
    "Until": until,
    "Validation": validation,
    "Wait": wait,
}


class Registry:
    """Finds an activity type by its name, without case (the service takes `filter` for Filter).

    Args:
        execution: name → activity, of those that have a policy.
        control: name → activity, of those that steer the run.
        reaching_outside: names of control activities that reach outside, as every execution activity does
            (WebHook: its policy knows neither retry nor timeout, as the API's description has it).
    """

    def __init__(
        self,
        execution: Mapping[str, ControlActivity] = EXECUTION,
        control: Mapping[str, ControlActivity] = CONTROL,
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

        A recovery run shows what it gave before, instead of doing it again, and its payload is limited.
        """
        return type_name.casefold() in self._reaching_outside
