"""Recovery runs: which activity runs are taken over from the run that is being rerun.

This follows the service's article on reruns: activities that move or query data are skipped if they need not
run again, and other activities see their earlier outputs; Wait, SetVariable and Filter run again; conditions
and loops are evaluated again, and the activities in them may be skipped; ExecutePipeline starts its child
again, as a recovery run itself.
"""

from collections.abc import Sequence
from typing import Any

from adf_trigger.emulator.common.models import ActivityRun, Recovery
from adf_trigger.emulator.engine.frames import Frame
from adf_trigger.emulator.engine.graph import FAILED, SUCCEEDED, Graph, Node, nested_activities

RECOVERED = "Recovered"
"""recoveryStatus of an activity run that was taken over. The only value known from the service is `None`."""


class UnknownActivity(Exception):
    """startActivityName names an activity that the pipeline does not have."""


class TakenOver:
    """The activity runs of an earlier run, and which of them are taken over.

    A rerun from failure takes over all activities that succeeded. A rerun from a named activity runs it and
    all that depend on it again, with everything inside them, and takes over the others as they ended.

    Args:
        recovery: the rerun parameters of createRun.
        activities: the pipeline's activities.
        rows: activity runs of the earlier run, ordered by start.

    Raises:
        UnknownActivity: the pipeline does not have the named activity.
    """

    def __init__(
        self, recovery: Recovery, activities: Sequence[dict[str, Any]], rows: Sequence[ActivityRun]
    ) -> None:
        self._rows = {(row.activity_name.casefold(), row.iteration_hash): row for row in rows}
        self._again: set[str] = set()
        self._counts = {SUCCEEDED}
        if recovery.start_activity_name:
            again = _from_activity(activities, recovery.start_activity_name.casefold())
            if again is None:
                raise UnknownActivity(
                    f"There is no activity '{recovery.start_activity_name}' in the pipeline."
                )
            self._again = again
            self._counts = {SUCCEEDED, FAILED}

    def find(self, node: Node, frame: Frame) -> ActivityRun | None:
        """The earlier activity run of an activity, if it need not run again.

        An activity with secureOutput always runs again, because the log does not have its output.
        """
        row = self.earlier(node, frame)
        if row is None or row.status not in self._counts:
            return None
        return None if (node.definition.get("policy") or {}).get("secureOutput") else row

    def earlier(self, node: Node, frame: Frame) -> ActivityRun | None:
        """The earlier activity run of an activity; None if it has none, or if the named activity makes it run again."""
        if node.key in self._again:
            return None
        return self._rows.get((node.key, frame.iteration_hash))


def _from_activity(activities: Sequence[dict[str, Any]], key: str) -> set[str] | None:
    """Keys of an activity, of all that depend on it or on a container of it, and of all inside these."""
    graph = Graph(activities)
    for node in graph.nodes.values():
        if node.key == key:
            again = {key, *_inside(node.definition)}
        else:
            found = [_from_activity(inner, key) for inner in nested_activities(node.definition)]
            if not any(found):
                continue
            again = next(keys for keys in found if keys)
        for following in graph.descendants(node.key):
            again |= {following, *_inside(graph.nodes[following].definition)}
        return again
    return None


def _inside(activity: dict[str, Any]) -> set[str]:
    keys: set[str] = set()
    for inner in nested_activities(activity):
        for definition in inner:
            keys |= {str(definition["name"]).casefold(), *_inside(definition)}
    return keys
