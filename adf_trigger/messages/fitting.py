"""Cuts the results of activities to a size: the most informative parts are kept.

Sizes are characters of compact ASCII JSON, the format of records and events.
"""

from collections.abc import Sequence

from adf_trigger.messages.limits import ascii_size, bounded_json, shorten_middle, shortened_together
from adf_trigger.results import (
    ANOTHER_FAILED,
    FAILED_ACTIVITY,
    ActivityError,
    ActivityResult,
    ChildRun,
    Results,
)

LONGEST_NAME = 256


def fitted_results(results: Sequence[ActivityResult], size: int) -> list[ActivityResult]:
    """The results that fit, in their order: failed ones are kept first, then the last ones."""
    failed = [number for number, each in enumerate(results) if each.status in FAILED_ACTIVITY]
    others = [number for number, each in enumerate(results) if each.status not in FAILED_ACTIVITY]
    kept: list[int] = []
    for number in (*failed, *reversed(others)):
        size -= ascii_size(results[number].model_dump(mode="json")) + 1
        if size < 0:
            break
        kept.append(number)
    return [results[number] for number in sorted(kept)]


def fitted_errors(
    errors: Sequence[ActivityError],
    *,
    most: int,
    size: int,
    longest_name: int = LONGEST_NAME,
    properties: bool = True,
) -> list[ActivityError]:
    """The errors that fit, in their order, their messages cut in the middle if they are too long together.

    Errors that a retry has cured are dropped first, then those of containers of a failed activity.

    Args:
        errors: the errors.
        most: maximum number of errors.
        size: maximum size of their messages together.
        longest_name: maximum characters of each of their names.
        properties: whether their user properties are kept.
    """
    by_worth = sorted(
        range(len(errors)), key=lambda n: (errors[n].cured, errors[n].error_code == ANOTHER_FAILED, n)
    )
    kept = [errors[number] for number in sorted(by_worth[:most])]
    messages = shortened_together([each.message for each in kept], size)
    cut = [_cut(each, message, longest_name) for each, message in zip(kept, messages, strict=True)]
    return cut if properties else [each.model_copy(update={"user_properties": None}) for each in cut]


def fitted_children(children: Sequence[ChildRun], *, size: int) -> list[ChildRun]:
    """The first children that fit. Half of the size is for the errors of their activities."""
    messages = size // 2
    asked = [child for child in children if child.errors]
    share = messages // max(1, len(asked))
    fitted: list[ChildRun] = []
    for child in children:
        errors = child.errors and fitted_errors(child.errors, most=len(child.errors), size=share)
        cut = child.model_copy(update={"errors": errors})
        size -= ascii_size(cut.model_dump(mode="json")) + 1
        if size < 0:
            break
        fitted.append(cut)
    return fitted


def fitted_whole(results: Results, size: int) -> Results:
    """The results of a run, without its errors, within a size: half of it is for activities."""
    if ascii_size(results.model_dump(mode="json")) <= size:
        return results
    activities = results.activities and fitted_results(results.activities, size // 2)
    children = fitted_children(results.children, size=size // 4)
    return results.model_copy(
        update={
            "activities": activities,
            "activities_left_out": results.activities_left_out
            + len(results.activities or ())
            - len(activities or ()),
            "children": children,
            "children_left_out": results.children_left_out + len(results.children) - len(children),
            "return_value": bounded_json(results.return_value, size // 5)[0],
        }
    )


def _cut(error: ActivityError, message: str, longest_name: int) -> ActivityError:
    fields = error.model_dump(by_alias=False, exclude={"message"})
    names = {
        name: shorten_middle(text, longest_name)
        for name, text in fields.items()
        if isinstance(text, str) and len(text) > longest_name
    }
    if not names and message == error.message:
        return error
    return error.model_copy(update={**names, "message": message})
