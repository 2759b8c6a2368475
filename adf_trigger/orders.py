"""What callers ask for about runs that there are: the bodies of the calls that steer them."""

from typing import Annotated

from pydantic import Field, StrictBool

from adf_trigger.contracts import MAX_NOTE, Wire

Note = Annotated[str, Field(min_length=1, max_length=MAX_NOTE)]
"""Why somebody does what they do, in their own words."""


class CancelRequest(Wire):
    """The body of a request to cancel a run; every field is optional.

    Attributes:
        recursive: whether the runs that it started are to be cancelled, too.
        note: why; it stands in the run's history.
    """

    recursive: StrictBool = True
    note: Note | None = None
