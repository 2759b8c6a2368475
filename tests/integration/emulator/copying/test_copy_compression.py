"""Compressed files and archives: expanded and packed during a copy."""

import gzip
import hashlib
import io
import zipfile

import pytest

from adf_trigger.emulator.activities.copy import copy
from adf_trigger.emulator.contract.activity import ActivityFailed
from tests.integration.emulator.copying.files import copied
from tests.integration.emulator.copying.harness import Storage, copying, run


@pytest.mark.parametrize("codec", ["gzip", "deflate", "bzip2"])
def test_files_are_expanded_and_compressed(storage: Storage, codec: str) -> None:
    """Binary files are compressed with any codec and expanded from it; names gain and lose the extension."""
    content = b"".join(hashlib.sha256(bytes([number])).digest() for number in range(200)) * 300
    storage.put("in/a.csv", content)
    plain, packed = (storage.dataset(name, folder=folder) for name, folder in (("In", "in"), ("Out", "out")))
    zipped = storage.dataset("Zipped", folder="zipped", compression={"type": codec, "level": "Fastest"})

    into = run(copy, copying("Binary"), plain, zipped)
    back = run(copy, copying("Binary"), zipped, packed)

    assert into.output["dataRead"] == back.output["dataWritten"] == len(content)
    assert into.output["dataWritten"] == back.output["dataRead"] < len(content)
    assert storage.get("out/a.csv") == content


def test_a_gzip_file_of_several_members_is_expanded_whole(storage: Storage) -> None:
    """Joined gzip files are one."""
    storage.put("in/a.gz", gzip.compress(b"one ") + gzip.compress(b"two"))
    run(
        copy,
        copying("Binary"),
        storage.dataset("In", folder="in", compression={"type": "GZip"}),
        storage.dataset("Out", folder="out"),
    )
    assert storage.get("out/a") == b"one two"


@pytest.mark.parametrize(
    "content", [b"no gzip at all", gzip.compress(b"x" * 1000, mtime=0)[:-12]], ids=["no gzip", "cut short"]
)
def test_a_damaged_file_fails_and_leaves_no_file(storage: Storage, content: bytes) -> None:
    """A file that cannot be expanded fails the copy and leaves no partial file in the sink."""
    storage.put("in/a.gz", content)
    with pytest.raises(ActivityFailed, match="UserErrorFailedToDecompress"):
        run(
            copy,
            copying("Binary"),
            storage.dataset("In", folder="in", compression={"type": "gzip"}),
            storage.dataset("Out", folder="out"),
        )
    assert storage.names() == ["in/a.gz"]


def zip_of(entries: dict[str, bytes]) -> bytes:
    """A zip file as another program writes it."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return made.getvalue()


@pytest.mark.parametrize(
    ("preserve", "expected"),
    [
        (True, ["sub/one.zip/a.txt", "sub/one.zip/deep/b.txt", "two.zip/c.txt"]),
        (False, ["c.txt", "sub/a.txt", "sub/deep/b.txt"]),
    ],
)
def test_archives_are_unpacked(storage: Storage, preserve: bool, expected: list[str]) -> None:  # noqa: FBT001 - a row of a table
    """Each file in a zip becomes a file, by default in a folder named after the archive."""
    entries = {"a.txt": b"a" * 3_000_000, "deep/": b"", "deep/b.txt": b"b"}
    storage.put("in/sub/one.zip", zip_of(entries))
    storage.put("in/two.zip", zip_of({"c.txt": b"c"}))
    settings = {
        "type": "BinaryReadSettings",
        "compressionProperties": {
            "type": "ZipDeflateReadSettings",
            "preserveZipFileNameAsFolder": preserve,
        },
    }

    result = run(
        copy,
        copying("Binary", source={"formatSettings": settings}),
        storage.dataset("In", folder="in", compression={"type": "ZipDeflate"}),
        storage.dataset("Out", folder="out"),
    )

    assert copied(storage) == expected
    (large,) = (name for name in expected if name.endswith("a.txt"))
    assert storage.get(f"out/{large}") == entries["a.txt"]
    assert (result.output["filesRead"], result.output["filesWritten"]) == (2, 3)


def test_files_are_packed_into_archives(storage: Storage) -> None:
    """A file becomes a zip of itself, which others can read, and which is read back here."""
    content = bytes(range(256)) * 40_000
    storage.put("in/a.bin", content)
    packed = storage.dataset("Packed", folder="zip", compression={"type": "ZipDeflate", "level": "Fastest"})

    run(copy, copying("Binary"), storage.dataset("In", folder="in"), packed)
    run(copy, copying("Binary"), packed, storage.dataset("Out", folder="out"))

    with zipfile.ZipFile(io.BytesIO(storage.get("zip/a.bin.zip"))) as archive:
        assert archive.testzip() is None
        assert archive.read("a.bin") == content
    assert storage.get("out/a.bin.zip/a.bin") == content


@pytest.mark.parametrize(
    "content", [b"no zip at all", zip_of({"../evil": b"x"}), zip_of({"a": b"x" * 9999})[:-4]]
)
def test_invalid_archives_are_rejected(storage: Storage, content: bytes) -> None:
    """A file that is no zip, or an entry outside of the archive's folder, fails the copy by the file's name."""
    storage.put("in/a.zip", content)
    source = storage.dataset("In", folder="in", compression={"type": "ZipDeflate"})
    with pytest.raises(ActivityFailed, match=r"UserErrorFailedToDecompress.*in/a\.zip"):
        run(copy, copying("Binary"), source, storage.dataset("Out", folder="out"))
    with pytest.raises(ActivityFailed, match="deleteFilesAfterCompletion"):
        run(
            copy,
            copying("Binary", read={"deleteFilesAfterCompletion": True}),
            source,
            storage.dataset("Out", folder="out"),
        )
    assert storage.names() == ["in/a.zip"]
