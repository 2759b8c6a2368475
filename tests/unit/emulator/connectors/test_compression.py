"""Streaming compression."""

import bz2
import gzip
import zlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adf_trigger.emulator.connectors.files.compression import Compression
from adf_trigger.emulator.contract.activity import ActivityFailed

CODECS = st.sampled_from(["gzip", "deflate", "bzip2"])


def cut(content: bytes, places: list[int]) -> list[bytes]:
    """The bytes in chunks."""
    edges = [0, *sorted(place % (len(content) + 1) for place in places), len(content)]
    return [content[begin:end] for begin, end in pairwise(edges)]


@settings(deadline=None)
@given(CODECS, st.lists(st.binary(max_size=200), max_size=4), st.lists(st.integers(0, 1000), max_size=6))
def test_any_bytes_survive_a_round_trip(codec: str, chunks: list[bytes], places: list[int]) -> None:
    """Compressed bytes expand to the original, wherever the stream is cut."""
    compression = Compression(codec, "Optimal")
    packed = b"".join(compression.shrink(chunks, "f"))
    assert b"".join(compression.expand(cut(packed, places), "f")) == b"".join(chunks)


def test_the_codecs_are_standard() -> None:
    """gzip, raw deflate (as .NET has it) and bzip2 are read by the standard library."""
    content = b"content " * 100
    assert gzip.decompress(b"".join(Compression("GZip").shrink([content], "f"))) == content
    assert zlib.decompress(b"".join(Compression("Deflate").shrink([content], "f")), -15) == content
    assert bz2.decompress(b"".join(Compression("BZip2").shrink([content], "f"))) == content


@pytest.mark.parametrize("codec", ["gzip", "deflate", "bzip2"])
def test_a_small_file_that_expands_enormously_is_read_in_small_pieces(codec: str) -> None:
    """A chunk that expands to far more than its size is never expanded in one step."""
    packed = b"".join(Compression(codec).shrink((bytes(1024 * 1024) for _ in range(64)), "f"))
    sizes = [len(chunk) for chunk in Compression(codec).expand([packed], "f")]
    assert sum(sizes) == 64 * 1024 * 1024
    assert max(sizes) <= 1024 * 1024


@pytest.mark.parametrize("codec", ["", "none", "None"])
def test_without_a_codec_bytes_pass_unchanged(codec: str) -> None:
    """No codec, or the one called none, changes nothing and adds no extension."""
    compression = Compression(codec)
    assert list(compression.shrink([b"a"], "f")) == list(compression.expand([b"a"], "f")) == [b"a"]
    assert compression.suffix == ""


@pytest.mark.parametrize("codec", ["snappy", "lz4", "Tar", "TarGzip"])
def test_unsupported_codecs_are_named(codec: str) -> None:
    """An unsupported codec is rejected by name."""
    with pytest.raises(ActivityFailed, match=f"'{codec}' is not emulated"):
        Compression(codec)
