"""The checks of a PUT of a document."""

from adf_trigger.emulator.common.documents import PIPELINES, TRIGGERS, Document
from adf_trigger.emulator.common.options import Options
from adf_trigger.emulator.store import Store
from adf_trigger.emulator.validation.limits import check_limits
from adf_trigger.emulator.validation.names import check_document_name
from adf_trigger.emulator.validation.parameters import check_parameters
from adf_trigger.emulator.validation.pipelines import check_pipeline
from adf_trigger.emulator.validation.references import check_references
from adf_trigger.emulator.validation.structure import check_structure
from adf_trigger.emulator.validation.triggers import check_trigger


def check_document(document: Document, store: Store, options: Options, *, is_new: bool) -> None:
    """Reject a document that cannot be published.

    Args:
        document: as it would be stored.
        store: must have the documents that it refers to.
        options: `strict` enforces the documented limits.
        is_new: whether the factory does not have it yet.

    Raises:
        BadRequest: with the service's text where that is known.
    """
    check_document_name(document)
    check_structure(document)
    if document.kind is PIPELINES:
        check_pipeline(document)
    if document.kind is TRIGGERS:
        check_trigger(document)
    check_parameters(document)
    check_references(document, store)
    if options.strict:
        check_limits(document, store, is_new=is_new)
