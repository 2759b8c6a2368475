"""ExecutePipeline: runs another pipeline of the factory, awaited or not."""

from adf_trigger.emulator.contract.activity import ActivityFailed, ActivityResult
from adf_trigger.emulator.contract.control import ControlContext, flag


async def execute_pipeline(context: ControlContext) -> ActivityResult:
    """Start a child run; with waitOnCompletion, wait for it and end with its outcome."""
    properties = context.type_properties
    name = properties["pipeline"]["referenceName"]
    parameters = context.evaluate(properties.get("parameters") or {})
    waits = flag(context.evaluate(properties.get("waitOnCompletion", context.waits_on_completion)))
    child = context.start_pipeline(name, parameters)
    shown = {"pipeline": properties["pipeline"], "parameters": parameters, "waitOnCompletion": waits}
    output = {"pipelineRunId": child.run_id, "pipelineName": name}
    context.show(shown_input=shown, output=output)
    if not waits:
        return ActivityResult(output=output, input=shown)
    run = await child.ended
    if run.return_value:
        output["pipelineReturnValue"] = run.return_value
    if run.status != "Succeeded":
        raise ActivityFailed(
            run.message or f"The child run {run.run_id} of pipeline {name} was cancelled.",
            error_code="BadRequest",
            output=output,
            input=shown,
        )
    return ActivityResult(output=output, input=shown)
