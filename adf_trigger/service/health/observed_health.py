"""The state of observed pipelines in health's details: since when, how far runs are published, and what is held."""

from collections.abc import Mapping, Sequence
from typing import Any

from adf_trigger.service.factories import Factories
from adf_trigger.service.other_runs.observing import ObservationKeeper, Observed
from adf_trigger.service.policy import Policies

MOST_FACTORIES = 20
"""Maximum factories that are read for an answer, one query each; the others are only named."""
MOST_PIPELINES = 100


class ObservationSummary:
    """Summarises the observed pipelines.

    Args:
        factories: all configured factories.
        policies: of which pipelines runs of others are published.
        observing: keeps the progress.
    """

    def __init__(self, factories: Factories, policies: Policies, observing: ObservationKeeper) -> None:
        self._factories = factories
        self._policies = policies
        self._observing = observing

    def __call__(self) -> Sequence[Mapping[str, Any]]:
        """One object per factory; empty, and without a read, where no policy observes.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        if not self._policies.observed:
            return []
        aliases = list(self._factories.aliases)
        found = [
            {"factory": alias, **self._shown(self._observing.read(self._factories.of(alias)[0].id))}
            for alias in aliases[:MOST_FACTORIES]
        ]
        return [*found, *({"factory": alias} for alias in aliases[MOST_FACTORIES:])]

    def _shown(self, observed: Observed) -> dict[str, Any]:
        wanted = self._policies.observed
        place = observed.place
        published = 0 if place is None else place.published
        since = {name: observed.since.get(name) for name in [*wanted][:MOST_PIPELINES]}
        return {
            "readUntil": None if place is None else place.until.isoformat(),
            "published": published,
            "told": published,  # the same under its former name, for one version
            "pipelines": [
                {
                    "pipeline": name,
                    "observe": wanted[name],
                    "since": None if began is None else began.isoformat(),
                }
                for name, began in since.items()
            ],
            "held": [
                {
                    "pipeline": each.pipeline,
                    "since": each.since.isoformat(),
                    "inDoubtSince": each.doubted.isoformat(),
                }
                for each in observed.held[:MOST_PIPELINES]
            ],
            "skipped": [
                {
                    "after": each.after.isoformat(),
                    "before": each.before.isoformat(),
                    "since": each.noted.isoformat(),
                    "tries": each.tries,
                }
                for each in observed.gaps[:MOST_PIPELINES]
            ],
        }
