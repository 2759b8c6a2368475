"""Datasets of type AzureBlob with BlobSource and BlobSink, from quickstarts before 2019 and the SDKs' samples.

Without a `format` they copy files unchanged, so they are converted to Binary datasets.
"""

from dataclasses import replace
from typing import Any

from adf_trigger.emulator.connectors.common.failures import InvalidSettings, NotEmulated
from adf_trigger.emulator.connectors.common.settings import flag, forbid_unknown, required_text, section, text
from adf_trigger.emulator.contract.activity import ResolvedDataset

AZURE_BLOB = "AzureBlob"
_TIMES = ("modifiedDatetimeStart", "modifiedDatetimeEnd")
_DATASET = frozenset({"folderPath", "fileName", "format", "compression", *_TIMES})
_WILDCARDS = frozenset("*?")
_KNOWN = {
    "Source": frozenset({"recursive", "maxConcurrentConnections"}),
    "Sink": frozenset({"copyBehavior", "maxConcurrentConnections", "metadata", "blobWriterOverwriteFiles"}),
}
_STORE_SETTINGS = {"Source": "AzureBlobStorageReadSettings", "Sink": "AzureBlobStorageWriteSettings"}


def modern_dataset(dataset: ResolvedDataset) -> ResolvedDataset:
    """The dataset, or the Binary dataset that corresponds to an AzureBlob dataset.

    Raises:
        InvalidSettings: the folder is missing.
        NotEmulated: it has a format, or another property that is not emulated.
    """
    if dataset.type != AZURE_BLOB:
        return dataset
    where = f"the dataset '{dataset.name}'"
    given = dataset.properties
    forbid_unknown(given, _DATASET, where)
    if section(given, "format"):
        raise NotEmulated(f"The property 'format' of {where}, which is of type {AZURE_BLOB},")
    container, _, folder = required_text(given, "folderPath", where).strip("/").partition("/")
    location: dict[str, Any] = {"type": "AzureBlobStorageLocation", "container": container}
    if folder:
        location["folderPath"] = folder
    name = text(given, "fileName")
    if name and not _WILDCARDS & set(name):
        location["fileName"] = name
    compression = {"compression": given["compression"]} if given.get("compression") else {}
    return replace(dataset, type="Binary", properties={"location": location, **compression})


def modern_copy(
    dataset: ResolvedDataset, settings: dict[str, Any], end: str
) -> tuple[ResolvedDataset, dict[str, Any]]:
    """A dataset with the source or sink of a copy, in the current form.

    Args:
        dataset: the dataset that is read or written.
        settings: `source` or `sink` of the activity, evaluated.
        end: Source or Sink.

    Raises:
        InvalidSettings: dataset and settings do not match.
        NotEmulated: a property is not emulated.
    """
    if dataset.type != AZURE_BLOB:
        return dataset, settings
    named = text(settings, "type")
    if named.lower() != f"blob{end}".lower():
        raise InvalidSettings(
            f"The {end.lower()} is of type '{named}', but the dataset '{dataset.name}' is of type '{AZURE_BLOB}'."
        )
    forbid_unknown(settings, _KNOWN[end], f"the Blob{end}")
    store = {"type": _STORE_SETTINGS[end]} | {
        name: settings[name]
        for name in ("copyBehavior", "maxConcurrentConnections", "metadata")
        if settings.get(name)
    }
    file_name = text(dataset.properties, "fileName")
    if end == "Source":
        store["recursive"] = flag(settings, "recursive", default=True)
        store |= {name: dataset.properties[name] for name in _TIMES if dataset.properties.get(name)}
        if _WILDCARDS & set(file_name):
            store["wildcardFileName"] = file_name
    elif _WILDCARDS & set(file_name):
        raise InvalidSettings(f"The file name '{file_name}' of a sink has wildcards.")
    return modern_dataset(dataset), {"type": f"Binary{end}", "storeSettings": store}
