"""Filter: the items of an array for which a condition holds."""

from adf_trigger.emulator.contract.activity import ActivityResult
from adf_trigger.emulator.contract.control import ControlContext, array, truth


async def filter_items(context: ControlContext) -> ActivityResult:
    """Keep the items for which the condition, which sees each as `item()`, is true."""
    properties = context.type_properties
    items = array(context.evaluate(properties["items"]))
    kept = [item for item in items if truth(context.evaluate_for(item, properties["condition"]))]
    return ActivityResult(output={"ItemsCount": len(items), "FilteredItemsCount": len(kept), "Value": kept})
