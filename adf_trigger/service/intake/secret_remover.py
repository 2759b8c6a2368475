"""Removes the known secret values from messages before these are kept."""

import re

from adf_trigger.contracts import PIPELINE_NAME_PATTERN
from adf_trigger.errors import CredentialError, DataFactoryError
from adf_trigger.messages.declaration import Declaration
from adf_trigger.messages.decoding import Message
from adf_trigger.messages.masking import may_have_secrets
from adf_trigger.service.calls.gate import Gate
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.starting.check import JUST_NOW
from adf_trigger.service.starting.definitions import Definitions


class SecretRemover:
    """Removes secrets from messages that are kept.

    Args:
        factories: all configured factories.
        definitions: what pipelines declare.
        gate: says whether a factory may be called now.
    """

    def __init__(self, factories: Factories, definitions: Definitions, gate: Gate) -> None:
        self._factories = factories
        self._definitions = definitions
        self._gate = gate

    def out_of(self, message: Message, factory: FactoryHandle | None) -> tuple[bytes, tuple[str, ...]]:
        """The bytes of a message without secrets, and the names of the parameters whose values were removed.

        A message without secrets is returned unchanged, and so is one whose pipeline is not known.

        Args:
            message: the message.
            factory: where its pipeline is; None where that is not known: then every factory is checked.
        """
        named = re.fullmatch(PIPELINE_NAME_PATTERN, message.pipeline) is not None
        if not named or not may_have_secrets(message.document):
            return message.without_secrets(())
        known = (self._known(each, message.pipeline) for each in ([factory] if factory else self._factories))
        secure = {name for definition in known if definition for name in definition.secure_names}
        return message.without_secrets(secure)

    def _known(self, factory: FactoryHandle, pipeline: str) -> Declaration | None:
        if not self._gate.may_read(factory):
            return self._definitions.remembered(factory, pipeline)
        try:
            return self._definitions.get(factory, pipeline, no_older_than=JUST_NOW)
        except (DataFactoryError, CredentialError):
            return self._definitions.remembered(factory, pipeline)
