"""Decides for which runs inputs, outputs and user properties are withheld.

They may hold values of parameters, secure ones among them. Secure values are not kept here, so they cannot be searched
for: everything is left out where a pipeline has secure parameters, or where that is not known.
"""

from adf_trigger.errors import CredentialError, DataFactoryError
from adf_trigger.ledger.records import RunRecord
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.policy import Policies
from adf_trigger.service.starting.definitions import Definitions
from adf_trigger.settings.policy import Details


class Withholder:
    """Decides what is withheld.

    Args:
        policies: name pipelines for which nothing is withheld.
        definitions: what pipelines declare.
    """

    def __init__(self, policies: Policies, definitions: Definitions) -> None:
        self._policies = policies
        self._definitions = definitions

    def at_end(self, factory: FactoryHandle, record: RunRecord) -> bool:
        """Whether the details of a run that has ended are withheld; makes no call.

        The record says whether the pipeline declared secure parameters when the request was accepted. For records of
        earlier versions, and of requests accepted in an outage, the last known declaration decides.
        """
        if self._policies.of(record.pipeline).details is Details.FULL:
            return False
        if record.declares_secrets is not None:
            return record.declares_secrets or bool(record.secure_parameters)
        declared = self._definitions.remembered(factory, record.pipeline)
        return declared is None or bool(declared.secure_names or record.secure_parameters)

    def now(self, factory: FactoryHandle, record: RunRecord) -> bool:
        """Whether the details of a run that is opened are withheld; reads the declaration from Data Factory."""
        if self._policies.of(record.pipeline).details is Details.FULL:
            return False
        if record.secure_parameters or record.declares_secrets:
            return True
        return self._may_have_secrets(factory, record.pipeline)

    def of_pipeline(self, factory: FactoryHandle, pipeline: str) -> bool:
        """Whether the details of a child run, which has no record, are withheld."""
        if self._policies.of(pipeline).details is Details.FULL:
            return False
        return self._may_have_secrets(factory, pipeline)

    def _may_have_secrets(self, factory: FactoryHandle, pipeline: str) -> bool:
        try:
            declared = self._definitions.get(factory, pipeline)
        except (DataFactoryError, CredentialError):
            remembered = self._definitions.remembered(factory, pipeline)
            return remembered is None or bool(remembered.secure_names)
        return bool(declared.secure_names)
