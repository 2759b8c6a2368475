"""Activity types are easy to add: one file and one line each."""

from collections import Counter

from adf_trigger.emulator.activities.catalogue import CONTROL, EXECUTION, activity_types
from adf_trigger.emulator.contract.activity import ActivityContext, ActivityResult
from tests.support.engine_factory import Factory, activity


def test_every_type_has_a_file_of_its_own() -> None:
    """No two types share a module."""
    modules = Counter(function.__module__ for function in (EXECUTION | CONTROL).values())
    assert set(modules.values()) == {1}
    package = activity_types.__module__.rpartition(".")[0]
    assert all(name.startswith(f"{package}.") for name in modules)


def test_a_registered_function_is_enough_for_a_type(factory: Factory) -> None:
    """Its properties are evaluated, and later activities see its output."""

    async def shout(context: ActivityContext) -> ActivityResult:
        return ActivityResult(output={"said": str(context.evaluate(context.type_properties)["text"]).upper()})

    factory.registry = activity_types(control={**CONTROL, "Shout": shout})
    text = {"value": "@concat('a', 'b')", "type": "Expression"}
    factory.define("P", activity("Say", "Shout", {"text": text}))
    run = factory.run("P")
    assert run.status == "Succeeded"
    assert factory.rows(run)["Say"].output == {"said": "AB"}


def test_a_recovery_run_reuses_outputs_of_external_activities() -> None:
    """Activities with a policy, and the listed types; in any case."""
    registry = activity_types(control={**CONTROL, "WebHook": CONTROL["Wait"]}, reaching_outside=["WebHook"])
    assert registry.reaches_outside("webHOOK")
    assert registry.reaches_outside("copy")
    assert not registry.reaches_outside("SetVariable")
    assert not registry.is_execution("WebHook")
