"""Names of target files, by the sink's file name and its copyBehavior."""

from dataclasses import dataclass
from enum import Enum

from adf_trigger.emulator.common.clock import IdSource, new_id
from adf_trigger.emulator.connectors.common.failures import InvalidSettings


class CopyBehavior(Enum):
    """`copyBehavior` of a file sink."""

    PRESERVE_HIERARCHY = "preservehierarchy"
    FLATTEN_HIERARCHY = "flattenhierarchy"
    MERGE_FILES = "mergefiles"

    @classmethod
    def read(cls, value: str) -> "CopyBehavior":
        """Parse it, in any case; by default PreserveHierarchy."""
        try:
            return cls(value.lower()) if value else cls.PRESERVE_HIERARCHY
        except ValueError as exc:
            raise InvalidSettings(
                "The property 'copyBehavior' must be PreserveHierarchy, FlattenHierarchy or MergeFiles, "
                f"not '{value}'."
            ) from exc


@dataclass(frozen=True, slots=True)
class Targets:
    """Names the files of a sink.

    Attributes:
        behavior: its copyBehavior.
        file_name: the file name of the sink's dataset; empty if it has none.
        extension: extension of the sink's format; empty to keep that of the source file.
        suffix: suffix of the sink's compression, e.g. `.gz`.
        ids: makes GUIDs for generated names.
    """

    behavior: CopyBehavior
    file_name: str
    extension: str = ""
    suffix: str = ""
    ids: IdSource = new_id

    def of(self, path: str | None) -> str:
        """The path of the target file of a source file, relative to the sink's folder.

        Args:
            path: of the source file, below the source folder; None for data that is not from a single file.
        """
        if self.file_name:
            return self.file_name
        stem, extension = _split(path or "")
        extension = self.extension or extension
        if path is None or self.behavior is not CopyBehavior.PRESERVE_HIERARCHY:
            stem = f"data_{self.ids()}"
        return f"{stem}{extension}{self.suffix}"


def _split(path: str) -> tuple[str, str]:
    """A path without its file's extension, and the extension with its dot."""
    folder, slash, name = path.rpartition("/")
    stem, dot, extension = name.rpartition(".")
    if not stem:
        return path, ""
    return f"{folder}{slash}{stem}", f"{dot}{extension}"
