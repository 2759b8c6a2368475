"""The activity types that are emulated: one line each.

To add one: copy wait.py, write its function, add its line. An activity that moves or queries data goes
to EXECUTION: it has a policy (retry, timeout), and a recovery run takes it over. One that controls the run
goes to CONTROL.
"""

from collections.abc import Collection, Mapping

from adf_trigger.emulator.activities.append_variable import append_variable
from adf_trigger.emulator.activities.azure_function import azure_function
from adf_trigger.emulator.activities.copy import copy
from adf_trigger.emulator.activities.delete import delete
from adf_trigger.emulator.activities.execute_pipeline import execute_pipeline
from adf_trigger.emulator.activities.fail import fail
from adf_trigger.emulator.activities.filter import filter_items
from adf_trigger.emulator.activities.for_each import for_each
from adf_trigger.emulator.activities.get_metadata import get_metadata
from adf_trigger.emulator.activities.if_condition import if_condition
from adf_trigger.emulator.activities.lookup import lookup
from adf_trigger.emulator.activities.set_variable import set_variable
from adf_trigger.emulator.activities.switch import switch
from adf_trigger.emulator.activities.until import until
from adf_trigger.emulator.activities.validation import validation
from adf_trigger.emulator.activities.wait import wait
from adf_trigger.emulator.activities.web import web
from adf_trigger.emulator.contract.control import ControlActivity
from adf_trigger.emulator.contract.registry import Registry

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


def activity_types(
    execution: Mapping[str, ControlActivity] = EXECUTION,
    control: Mapping[str, ControlActivity] = CONTROL,
    reaching_outside: Collection[str] = (),
) -> Registry:
    """A registry of activity types, by default of all that are emulated.

    Args:
        execution: name → activity, for activities with a policy.
        control: name → activity, for activities that control the run.
        reaching_outside: names of control activities that reach hosts outside the emulator.
    """
    return Registry(execution, control, reaching_outside)
