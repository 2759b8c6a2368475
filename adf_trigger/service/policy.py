"""The policies of pipelines."""

from collections.abc import Mapping
from functools import cached_property

from adf_trigger.contracts import RunRequest
from adf_trigger.ledger.records import Overdue
from adf_trigger.settings.policy import ANY_PIPELINE, Observe, PipelinePolicy


class Policies:
    """The policies of all pipelines: by name (case-insensitive, as Data Factory's names are), else the default."""

    def __init__(self, by_pipeline: Mapping[str, PipelinePolicy] | None = None) -> None:
        self._by_pipeline = {name.lower(): policy for name, policy in (by_pipeline or {}).items()}

    def of(self, pipeline: str) -> PipelinePolicy:
        """The policy of a pipeline."""
        policy = self._by_pipeline.get(pipeline.lower()) or self._by_pipeline.get(ANY_PIPELINE)
        return policy or PipelinePolicy()

    @cached_property
    def observed(self) -> Mapping[str, Observe]:
        """The names, in lower case or `*`, whose policy has runs of others published, and which runs."""
        policies = self._by_pipeline.items()
        return {name: each.observe for name, each in policies if each.observe is not Observe.NONE}

    @property
    def counts_by_key(self) -> bool:
        """Whether any policy counts requests by a key."""
        admissions = [each.admission for each in self._by_pipeline.values()]
        return any(each is not None and each.key is not None for each in admissions)

    def name_for(self, pipeline: str) -> str:
        """The name of the policy that a pipeline has: its own in lower case, else `*`."""
        name = pipeline.lower()
        return name if name in self._by_pipeline else ANY_PIPELINE

    def overdue(self, pipeline: str, request: RunRequest) -> Overdue | None:
        """When a run of a pipeline is overdue: as its request says, else as the policy does; None for never."""
        policy = self.of(pipeline)
        after = request.overdue_after_seconds or policy.overdue_after_seconds
        asked = request.cancel_when_overdue
        cancel = policy.cancel_when_overdue if asked is None else asked
        return None if after is None else Overdue(after_seconds=after, cancel=cancel)
