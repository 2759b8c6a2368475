"""Expressions in a document must use parameters that it declares."""

from adf_trigger.emulator.common.documents import DATASETS, LINKED_SERVICES, PIPELINES, Document
from adf_trigger.emulator.common.errors import MissingParameterDefinition
from adf_trigger.emulator.expressions import check


def check_parameters(document: Document) -> None:
    """Reject a document that uses parameters which it does not declare.

    The older form `parameters('x')` is accepted: recorded calls show that the service accepts it, too.

    Raises:
        MissingParameterDefinition: naming them all.
    """
    references = check(document.properties, max_length=None).references
    used = {
        PIPELINES.collection: references.parameters,
        DATASETS.collection: references.dataset_parameters,
        LINKED_SERVICES.collection: references.linked_service_parameters,
    }.get(document.kind.collection, [])
    declared = {name.lower() for name in document.properties.get("parameters") or {}}
    missing = [name for name in used if name.lower() not in declared]
    if missing:
        raise MissingParameterDefinition(missing, document.target)
