"""Names of published events that a test can write down."""

from collections import Counter
from collections.abc import Sequence

from adf_trigger.news import CompletionEvent


def published_names(events: Sequence[CompletionEvent], subject: str | None = None) -> list[str]:
    """A name for each event, the same for those that share an id.

    The name is the id, where that names a run or a message. The id of a request without a run is derived from a chosen
    id: its name is `key/Status`, `key/Status/2` where another id has published that status of the key before, etc.

    Args:
        events: in the order in which they were sent.
        subject: the request to look at; None looks at all.
    """
    known: dict[str, str] = {}
    times = Counter[str]()
    for event in events:
        plain = f"{event.subject}/{event.data.status}"
        if event.data.run_id is not None or event.data.message_id is not None:
            known[event.id] = event.id
        elif event.id not in known:
            times[plain] += 1
            known[event.id] = plain if times[plain] == 1 else f"{plain}/{times[plain]}"
    return [known[event.id] for event in events if subject in (None, event.subject)]
