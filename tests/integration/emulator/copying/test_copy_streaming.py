"""Large files: streamed, bounded in memory, stopped in the middle."""

import asyncio
import gzip
import hashlib
import json
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobBlock, BlobClient

from adf_trigger.emulator.activities.copy import copy
from adf_trigger.emulator.contract.activity import ResolvedDataset
from tests.integration.emulator.copying.harness import Storage, copying, on_context, run
from tests.support.activity_context import Context

MIB = 1024 * 1024
# A few blocks of 4 MiB: one being read, one being cut, one being written.
MOST_MEMORY = 24 * MIB


def put_large(storage: Storage, name: str, block: bytes, count: int) -> None:
    """Upload one block many times as one blob, without holding it all."""
    blob = storage.container.get_blob_client(name)
    blocks = [BlobBlock(f"{number:04}") for number in range(count)]
    for entry in blocks:
        blob.stage_block(entry.id, block)
    blob.commit_block_list(blocks)


def peak_of(
    type_properties: dict[str, Any], source: ResolvedDataset, sink: ResolvedDataset
) -> tuple[int, dict[str, Any]]:
    """Peak of Python's memory during a copy, above what it held before; and the output."""
    tracemalloc.start()
    try:
        result = run(copy, type_properties, source, sink)
        return tracemalloc.get_traced_memory()[1], result.output
    finally:
        tracemalloc.stop()


def chunks_of(storage: Storage, name: str) -> Iterator[bytes]:
    """A blob's bytes, in chunks."""
    return iter(storage.container.download_blob(name).chunks())


def blocks_staged(blob: BlobClient) -> int:
    """How many blocks wait to be committed."""
    try:
        return len(blob.get_block_list("uncommitted")[1])
    except ResourceNotFoundError:
        return 0


def wait_for_a_block(blob: BlobClient) -> None:
    """Wait until the first block has been staged."""
    limit = time.monotonic() + 60
    while not blocks_staged(blob):
        assert time.monotonic() < limit, "nothing was written"
        time.sleep(0.01)


@pytest.mark.parametrize("block_size", [None, 5])
def test_a_large_blob_does_not_grow_memory(storage: Storage, block_size: int | None) -> None:
    """64 MiB are copied byte for byte, in blocks, with a few chunks in memory at a time."""
    block = bytes(range(256)) * (4 * MIB // 256)
    put_large(storage, "in/large.bin", block, 16)
    expected = hashlib.sha256(block * 16).hexdigest()

    peak, output = peak_of(
        copying("Binary", write={"blockSizeInMB": block_size}),
        storage.dataset("In", folder="in", file="large.bin"),
        storage.dataset("Out", folder="out"),
    )

    assert peak < MOST_MEMORY
    assert output["dataRead"] == output["dataWritten"] == 64 * MIB
    digest = hashlib.sha256()
    for chunk in chunks_of(storage, "out/large.bin"):
        digest.update(chunk)
    assert digest.hexdigest() == expected
    committed, _ = storage.container.get_blob_client("out/large.bin").get_block_list("committed")
    assert {entry.size for entry in committed[:-1]} == {(block_size or 4) * MIB}


@pytest.mark.parametrize("kind", ["DelimitedText", "Json"])
def test_a_large_file_of_records_does_not_grow_memory(storage: Storage, kind: str) -> None:
    """64 MiB of records, from a small gzip file, are read and written with a few chunks in memory."""
    text = b"x" * 4096
    line = b"some," + text + b"\n" if kind == "DelimitedText" else b'{"some":["' + text + b'"]}\n'
    count = 64 * MIB // len(line)
    storage.put("in/large.gz", gzip.compress(line * count, 1))
    compressed = (
        {"compressionCodec": "gzip"} if kind == "DelimitedText" else {"compression": {"type": "gzip"}}
    )

    peak, output = peak_of(
        copying(kind, "Json"),
        storage.dataset("In", kind, folder="in", **compressed),
        storage.dataset("Out", "Json", folder="out", file="large.json"),
    )

    assert peak < MOST_MEMORY
    assert output["rowsCopied"] == count
    assert output["dataRead"] < MIB < output["dataWritten"]


def test_a_cancelled_copy_stops_between_chunks_and_leaves_no_blob(storage: Storage) -> None:
    """A copy cancelled in the middle of a large file ends early, and no partial blob is visible."""
    put_large(storage, "in/large.bin", bytes(4 * MIB), 64)
    target = storage.container.get_blob_client("out/large.bin")

    async def body(context: Context) -> None:
        task = asyncio.create_task(copy(context))
        await asyncio.to_thread(wait_for_a_block, target)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 60)
        staged = blocks_staged(target)
        assert 0 < staged < 64
        await asyncio.sleep(0.2)
        assert blocks_staged(target) == staged

    on_context(
        body,
        copying("Binary"),
        storage.dataset("In", folder="in", file="large.bin"),
        storage.dataset("Out", folder="out"),
    )
    assert storage.names() == ["in/large.bin"]


def test_an_empty_file_is_copied(storage: Storage) -> None:
    """A file without bytes becomes a file without bytes."""
    storage.put("in/empty", b"")
    result = run(
        copy, copying("Binary"), storage.dataset("In", folder="in"), storage.dataset("Out", folder="out")
    )
    assert storage.get("out/empty") == b""
    assert (result.output["filesWritten"], result.output["dataWritten"]) == (1, 0)


def test_a_record_larger_than_a_chunk_is_read(storage: Storage) -> None:
    """One object of 10 MiB that spans several chunks is one record."""
    storage.put("in/a.json", json.dumps([{"text": "é" * 5 * MIB}, {"text": ""}], ensure_ascii=False).encode())
    result = run(
        copy,
        copying("Json"),
        storage.dataset("In", "Json", folder="in"),
        storage.dataset("Out", "Json", folder="out"),
    )
    assert result.output["rowsCopied"] == 2
    assert len(json.loads(storage.get("out/a.json").splitlines()[0])["text"]) == 5 * MIB
