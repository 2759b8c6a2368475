"""Where each source file goes: the sink's file name and its copyBehavior decide."""

from dataclasses import dataclass
from enum import Enum

from adf_trigger.clock import IdSource, new_id
from adf_trigger.local.factory.engine.copying.failures import InvalidSettings
from adf_trigger.local.factory.engine.copying.stores import StoredFile


class CopyBehavior(Enum):
    """`copyBehavior` of a file sink."""

    PRESERVE_HIERARCHY = "preservehierarchy"
    FLATTEN_HIERARCHY = "flattenhierarchy"
    MERGE_FILES = "mergefiles"

    @classmethod
    def read(cls, value: str) -> "CopyBehavior":
        """Parse it, in any case; nothing means PreserveHierarchy."""
        try:
            return cls(value.lower()) if value else cls.PRESERVE_HIERARCHY
        except ValueError as exc:
            raise InvalidSettings(
                "The property 'copyBehavior' must be PreserveHierarchy, FlattenHierarchy or MergeFiles, "
                f"not '{value}'."
            ) from exc


@dataclass(slots=True)
class Targets:
    """Names the files of a sink.

    Attributes:
        behavior: its copyBehavior.
        file_name: the file name of the sink's dataset, if it has one.
    """

    behavior: CopyBehavior
    file_name: str
    ids: IdSource = new_id

    def single(self) -> str:
        """The one file that everything is merged into."""
        return self.file_name or f"data_{self.ids()}"

    def of(self, file: StoredFile) -> str:
        """The file that one source file becomes, relative to the sink's folder."""
        if self.file_name:
            return self.file_name
        if self.behavior is CopyBehavior.FLATTEN_HIERARCHY:
            stem, dot, extension = file.relative_path.rpartition("/")[2].rpartition(".")
            return f"data_{self.ids()}{dot if stem else ''}{extension if stem else ''}"
        return file.relative_path
