"""The nodes of an expression's syntax tree."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Constant:
    """A string, number, boolean or null."""

    value: Any


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments; the name as written."""

    name: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """A property or an element of the value of `target`; `safe` is the question mark."""

    target: "Node"
    key: "Node"
    safe: bool


Node = Constant | Call | Selection


def walk(node: Node) -> Iterator[Node]:
    """The node and all its descendants, outermost first, without recursion (expressions can nest deeply)."""
    waiting: list[Node] = [node]
    while waiting:
        current = waiting.pop()
        yield current
        match current:
            case Call(arguments=arguments):
                waiting.extend(reversed(arguments))
            case Selection(target=target, key=key):
                waiting.extend((key, target))
            case Constant():
                pass
