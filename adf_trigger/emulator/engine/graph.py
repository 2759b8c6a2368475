"""The rules of dependsOn: which activities start, which are skipped, and which outcome a list of them has.

Pure: no clock, no I/O, no asyncio. Activity names are compared case-insensitively.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SUCCEEDED = "Succeeded"
FAILED = "Failed"
SKIPPED = "Skipped"


class GraphError(Exception):
    """A list of activities cannot be run: a duplicate name, an unknown dependency, a cycle."""


@dataclass(frozen=True, slots=True)
class Node:
    """One activity of a graph.

    Attributes:
        key: its case-folded name.
        name: its name as written.
        definition: the activity as written.
        depends_on: for each dependsOn entry the parent's key and the conditions, one of which must hold.
    """

    key: str
    name: str
    definition: dict[str, Any]
    depends_on: tuple[tuple[str, frozenset[str]], ...]

    @property
    def parents(self) -> set[str]:
        """Keys of the activities that it depends on."""
        return {parent for parent, _ in self.depends_on}


class Graph:
    """The activities of a pipeline, or of one branch of a container.

    Raises:
        GraphError: the activities cannot be run.
    """

    __slots__ = ("children", "leaves", "nodes", "roots")

    def __init__(self, activities: Sequence[dict[str, Any]]) -> None:
        self.nodes: dict[str, Node] = {}
        for activity in activities:
            node = _node(activity)
            if node.key in self.nodes:
                raise GraphError(f"There is more than one activity named '{node.name}'.")
            self.nodes[node.key] = node
        self.children: dict[str, list[Node]] = {key: [] for key in self.nodes}
        for node in self.nodes.values():
            for parent in node.parents:
                if parent not in self.nodes:
                    raise GraphError(f"Activity '{node.name}' depends on '{parent}', which does not exist.")
                self.children[parent].append(node)
        self.roots = [node for node in self.nodes.values() if not node.depends_on]
        self.leaves = [node for node in self.nodes.values() if not self.children[node.key]]
        self._check_cycles()

    def descendants(self, key: str) -> set[str]:
        """Keys of everything that depends on an activity, directly or not."""
        found: set[str] = set()
        waiting = [key]
        while waiting:
            for child in self.children[waiting.pop()]:
                if child.key not in found:
                    found.add(child.key)
                    waiting.append(child.key)
        return found

    def settle(self, ended: Node, outcomes: dict[str, str]) -> list[Node]:
        """The activities that can start now that another has ended; those that can no longer run are marked as skipped.

        An activity is decided once all activities that it depends on have ended: it starts if every
        dependsOn entry is met, and is skipped otherwise.

        Args:
            ended: the activity, its outcome already in `outcomes`.
            outcomes: key → Succeeded, Failed or Skipped, of all activities that have ended. Skipped ones are added.
        """
        ready: dict[str, Node] = {}
        waiting = [ended]
        while waiting:
            for child in self.children[waiting.pop().key]:
                if child.key in outcomes or child.key in ready:
                    continue
                if any(parent not in outcomes for parent, _ in child.depends_on):
                    continue
                if all(holds(outcomes[parent], conditions) for parent, conditions in child.depends_on):
                    ready[child.key] = child
                else:
                    outcomes[child.key] = SKIPPED
                    waiting.append(child)
        return list(ready.values())

    def failures(self, outcomes: Mapping[str, str]) -> list[Node]:
        """The activities that make the list fail, in the order written; empty if it succeeds.

        The documented rule: every leaf is evaluated; a skipped activity is replaced by its parents, and so on
        upwards; the list succeeds if all evaluated activities succeeded.
        """
        seen: set[str] = set()
        waiting = [node.key for node in self.leaves]
        failed: set[str] = set()
        while waiting:
            key = waiting.pop()
            if key in seen:
                continue
            seen.add(key)
            if outcomes[key] == SKIPPED:
                waiting.extend(self.nodes[key].parents)
            elif outcomes[key] != SUCCEEDED:
                failed.add(key)
        return [node for key, node in self.nodes.items() if key in failed]

    def _check_cycles(self) -> None:
        open_parents = {key: len(node.parents) for key, node in self.nodes.items()}
        waiting = list(self.roots)
        reached = 0
        while waiting:
            reached += 1
            for child in self.children[waiting.pop().key]:
                open_parents[child.key] -= 1
                if not open_parents[child.key]:
                    waiting.append(child)
        if reached < len(self.nodes):
            cycle = ", ".join(f"'{self.nodes[key].name}'" for key, left in open_parents.items() if left)
            raise GraphError(f"The dependencies of these activities form a cycle: {cycle}.")


def holds(outcome: str, conditions: frozenset[str]) -> bool:
    """Whether one dependsOn entry is met. Completed means that the activity ran, with any outcome."""
    return outcome in conditions or ("Completed" in conditions and outcome != SKIPPED)


def nested_activities(activity: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """The lists of activities inside a container (ForEach, Until, IfCondition, Switch)."""
    properties = activity.get("typeProperties") or {}
    lists = [
        properties.get(key)
        for key in ("activities", "ifTrueActivities", "ifFalseActivities", "defaultActivities")
    ]
    lists += [case.get("activities") for case in properties.get("cases") or []]
    yield from (activities for activities in lists if activities)


def _node(activity: dict[str, Any]) -> Node:
    name = str(activity["name"])
    depends_on = tuple(
        (str(entry["activity"]).casefold(), frozenset(entry.get("dependencyConditions") or [SUCCEEDED]))
        for entry in activity.get("dependsOn") or []
    )
    return Node(key=name.casefold(), name=name, definition=activity, depends_on=depends_on)
