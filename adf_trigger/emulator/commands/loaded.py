"""The report on a loaded factory, in lines of at most 80 characters."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from adf_trigger.emulator.importing.factory import Imported
from adf_trigger.emulator.importing.inspection import Call, Inspected
from adf_trigger.emulator.outbound.allowed_hosts import AllowedHosts

WIDTH = 80
_KINDS = {
    "pipelines": ("pipeline", "pipelines"),
    "datasets": ("dataset", "datasets"),
    "linkedservices": ("linked service", "linked services"),
    "triggers": ("trigger", "triggers (stopped)"),
    "dataflows": ("data flow", "data flows"),
    "credentials": ("credential", "credentials"),
    "integrationruntimes": ("integration runtime", "integration runtimes"),
    "globalParameters": ("global parameter", "global parameters"),
}


def loaded_lines(imported: Imported, inspected: Sequence[Inspected], allowed: AllowedHosts) -> Iterator[str]:
    """The lines of the report.

    Args:
        imported: the result of the import.
        inspected: the factory's pipelines.
        allowed: other machines that pipelines may call.
    """
    counts = (_count(number, kind) for kind, number in sorted(imported.documents.items()))
    yield from _wrapped("Loaded ", ", ".join(counts) or "nothing but the factory's own settings")
    for name, kind in imported.to_azurite:
        yield from _wrapped("  ", f"{name} ({kind}) leads to this Azurite")
    for skipped in imported.skipped:
        yield from _wrapped("  ", f"skipped {skipped}: it is not emulated")
    yield from lacking_lines(inspected, allowed)


def lacking_lines(inspected: Sequence[Inspected], allowed: AllowedHosts) -> Iterator[str]:
    """The lines on why a run may fail here: missing features, and calls that are refused."""
    yield from _not_emulated(inspected)
    yield from _calls(inspected, allowed)


def refused(pipeline: Inspected, allowed: AllowedHosts) -> list[Call]:
    """Calls of a pipeline to machines that are not allowed, or whose host is known only at run time."""
    return [call for call in pipeline.calls if call.host is None or not allowed.allow(call.host)]


def _not_emulated(inspected: Sequence[Inspected]) -> Iterator[str]:
    found = [each for each in inspected if each.not_emulated]
    if found:
        yield "Not emulated; a run that reaches one of these fails and names it:"
    for each in found:
        yield from _wrapped(f"  {each.pipeline}: ", ", ".join(each.not_emulated))


def _calls(inspected: Sequence[Inspected], allowed: AllowedHosts) -> Iterator[str]:
    by_host: dict[str, dict[str, None]] = {}
    for each in inspected:
        for call in refused(each, allowed):
            caller = f"{each.pipeline}/{call.activity} ({call.type})"
            by_host.setdefault(call.host or "given by an expression", {})[caller] = None
    if by_host:
        yield "Calls to other machines; refused, unless --allow-host names the machine:"
    for host, callers in sorted(by_host.items()):
        yield from _wrapped(f"  {host}: ", ", ".join(callers))


def _count(number: int, kind: str) -> str:
    one, many = _KINDS.get(kind, (kind, kind))
    return f"{number} {one if number == 1 else many}"


def _wrapped(first: str, text: str) -> Iterable[str]:
    """Lines broken between words only; those after the first are indented."""
    indent = " " * (len(first) - len(first.lstrip()) + 4)
    return textwrap.wrap(
        first + text,
        WIDTH,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    )
