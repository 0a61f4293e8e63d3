"""Files made, or broken, to hurt: they are refused with our own errors, at once, without believing what they claim."""

import struct
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpu.errors import ModelFileError
from gpu.model_file import open_model
from tests.support.errors import check_error
from tests.support.ggml_writer import walk_ggml

# --- small files with large claims

BASE = struct.pack("<11i", 51865, 1500, 512, 8, 6, 448, 512, 8, 6, 80, 2009)
BEFORE_VOCABULARY = b"lmgg" + BASE + struct.pack("<2i", 80, 201) + bytes(80 * 201 * 4)
BEFORE_TENSORS = BEFORE_VOCABULARY + struct.pack("<i", 50257) + bytes(4 * 50257)
LARGE = 2**31 - 1


def ggml_tensor(ne: tuple[int, ...], type_number: int, name: bytes = b"w", name_length: int | None = None) -> bytes:
    name_length = len(name) if name_length is None else name_length
    return struct.pack(f"<{3 + len(ne)}i", len(ne), name_length, type_number, *ne) + name


def gguf(n_tensors: int, n_metadata: int, *rest: bytes) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, n_tensors, n_metadata) + b"".join(rest)


def key(name: bytes, *value: bytes) -> bytes:
    return struct.pack("<Q", len(name)) + name + b"".join(value)


HOSTILE = {
    "ggml: 2^31 of every dimension": b"lmgg" + struct.pack("<11i", *[LARGE] * 10, 2009),
    "ggml: 2^31 layers": b"lmgg" + struct.pack("<11i", 51865, 1500, 512, 8, LARGE, 448, 512, 8, LARGE, 80, 2009),
    "ggml: 2^62 mel filters": b"lmgg" + BASE + struct.pack("<2i", LARGE, LARGE) + bytes(100),
    "ggml: mel filters beyond the end": b"lmgg" + BASE + struct.pack("<2i", 80, 201) + bytes(40),
    "ggml: 2^31 tokens": BEFORE_VOCABULARY + struct.pack("<i", LARGE) + bytes(100),
    "ggml: -1 tokens": BEFORE_VOCABULARY + struct.pack("<i", -1) + bytes(100),
    "ggml: a token of 4 GB": BEFORE_VOCABULARY + struct.pack("<iI", 1, 2**32 - 1) + bytes(100),
    "ggml: a tensor of 2^124 weights": BEFORE_TENSORS + ggml_tensor((LARGE,) * 4, 0),
    "ggml: a tensor of 2^31 dimensions": BEFORE_TENSORS + struct.pack("<3i", LARGE, 1, 0),
    "ggml: a name of 2 GB": BEFORE_TENSORS + ggml_tensor((32,), 0, name_length=LARGE),
    "ggml: a negative shape": BEFORE_TENSORS + ggml_tensor((-32, -32), 0),
    "ggml: a tensor of no weights": BEFORE_TENSORS + ggml_tensor((32, 0), 0),
    "ggml: ten thousand tensors": BEFORE_TENSORS
    + b"".join(ggml_tensor((1,), 0, b"%d" % i) + bytes(4) for i in range(10_000)),
    "gguf: 2^31 tensors": gguf(2**31, 0, bytes(76)),
    "gguf: 2^64 tensors": gguf(2**64 - 1, 2**64 - 1, bytes(76)),
    "gguf: 16000 tensors": gguf(16_000, 0, bytes(76)),
    "gguf: 16000 metadata": gguf(0, 16_000, bytes(76)),
    "gguf: a key of 2^64 bytes": gguf(0, 1, struct.pack("<Q", 2**64 - 1), bytes(68)),
    "gguf: a text of 2^63 bytes": gguf(0, 1, key(b"k", struct.pack("<IQ", 8, 2**63)), bytes(50)),
    "gguf: 2^60 numbers": gguf(0, 1, key(b"k", struct.pack("<IIQ", 9, 12, 2**60)), bytes(50)),
    "gguf: 2^60 strings": gguf(0, 1, key(b"k", struct.pack("<IIQ", 9, 8, 2**60)), bytes(50)),
    "gguf: a million tokens": gguf(0, 1, key(b"tokenizer.ggml.tokens", struct.pack("<IIQ", 9, 8, 10**6)), bytes(50)),
    "gguf: arrays in arrays": gguf(0, 1, key(b"k", struct.pack("<IIQ", 9, 9, 1) * 1000)),
    "gguf: a tensor of 2^256 weights": gguf(1, 0, key(b"w", struct.pack("<I4QIQ", 4, *[2**64 - 1] * 4, 0, 0))),
    "gguf: a tensor at 2^64": gguf(1, 0, key(b"w", struct.pack("<IQIQ", 1, 32, 0, 2**64 - 1)), bytes(64)),
    "gguf: 2^32 dimensions": gguf(1, 0, key(b"w", struct.pack("<I", 2**32 - 1)), bytes(64)),
    "gguf: dimensions of 2^64": gguf(0, 2, *(
        key(name, struct.pack("<IQ", 10, 2**64 - 1))
        for name in (b"whisper.encoder.embedding_length", b"whisper.encoder.block_count")
    )),
}  # fmt: skip


@pytest.mark.parametrize("claim", HOSTILE)
def test_claims_cost_neither_time_nor_memory(claim, refused, tmp_path):
    content = HOSTILE[claim]
    refused(content)  # also imports and caches whatever the first error needs
    seconds = []
    for _ in range(3):
        start = time.process_time()
        with pytest.raises(ModelFileError):
            open_model(tmp_path / "model.bin")
        seconds.append(time.process_time() - start)
    assert min(seconds) < (0.05 if len(content) < 100_000 else 0.5)  # under coverage

    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError):
            open_model(tmp_path / "model.bin")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < (1e6 if len(content) < 100_000 else 4e6)  # the latter bring fifty thousand tokens along


# --- valid files, broken at random


def structural_offsets(content: bytes) -> list[int]:
    """Where the fields lie that say how to read the rest; weights, which may be anything, make up most of a file."""
    if content.startswith(b"GGUF"):
        infos = content.index(struct.pack("<Q", len("mel_filters")) + b"mel_filters")
        tokens = content.index(b"tokenizer.ggml.tokens")
        return [*range(4, 300), *range(tokens - 8, tokens + 60), *range(infos - 500, infos + 3000)]
    vocabulary = len(BEFORE_VOCABULARY)
    headers = [offset for t in walk_ggml(content) for offset in range(t.header, t.data)]
    return [*range(4, 56), *range(vocabulary, vocabulary + 40), *headers]


INTERESTING = [0, 1, 2, 3, 7, 31, 64, 127, 128, 255, 256, 2**15, 2**16, LARGE, 2**31, 2**32 - 1, 2**63, 2**64 - 1]


@st.composite
def edits(draw: st.DrawFn) -> list[tuple[str, float, bytes | int]]:
    """Up to four of: overwrite at a structural place, insert there, delete there, cut the file anywhere."""
    kind = st.sampled_from(["overwrite"] * 6 + ["insert", "delete", "cut"])
    number = st.sampled_from(INTERESTING).flatmap(
        lambda n: st.sampled_from([n.to_bytes(8, "little"), (n % 2**32).to_bytes(4, "little"), bytes([n % 256])])
    )
    edit = st.tuples(kind, st.floats(0, 1, exclude_max=True), number | st.binary(min_size=1, max_size=8))
    return draw(st.lists(edit, min_size=1, max_size=4))


def broken(content: bytes, offsets: list[int], changes: list[tuple[str, float, bytes]]) -> bytes:
    changed = bytearray(content)
    for kind, where, value in changes:
        at = offsets[int(where * len(offsets))]
        if kind == "overwrite":
            changed[at : at + len(value)] = value
        elif kind == "insert":
            changed[at:at] = value
        elif kind == "delete":
            del changed[at : at + len(value)]
        else:
            del changed[int(where * len(changed)) :]
    return bytes(changed)


def open_or_refuse(path: Path, content: bytes) -> None:
    """Opening either works, and every weight can be read, or raises a `ModelFileError` in proper form."""
    path.unlink(missing_ok=True)  # never shrink a file that may still be mapped
    path.write_bytes(content)
    try:
        with open_model(path) as model:
            for tensor in model.tensors.values():
                assert tensor.raw.size == np.prod(tensor.blocks.shape)
                assert tensor.dequantize().shape == tensor.shape
    except ModelFileError as error:
        check_error(error)


@pytest.fixture(params=["ggml", "gguf"])
def valid(request, tiny_ggml, tiny_gguf, tmp_path):
    content = tiny_ggml if request.param == "ggml" else tiny_gguf
    offsets = structural_offsets(content)
    open_or_refuse(tmp_path / "model", content)
    return content, offsets, tmp_path / "model"


def fuzz(valid, max_examples: int, *, derandomize: bool) -> None:
    content, offsets, path = valid

    @settings(
        max_examples=max_examples,
        derandomize=derandomize,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(edits())
    def check(changes) -> None:
        open_or_refuse(path, broken(content, offsets, changes))

    check()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:(invalid|overflow).*:RuntimeWarning")
def test_broken_files_are_opened_or_refused(valid):
    fuzz(valid, 50, derandomize=True)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:(invalid|overflow).*:RuntimeWarning")
def test_broken_files_are_opened_or_refused_for_long(valid):
    fuzz(valid, 2000, derandomize=False)


@pytest.mark.slow
def test_files_cut_anywhere(valid):
    """In the fields of the structure's beginning, at places of its rest, and among the weights."""
    content, offsets, path = valid
    for length in [
        *range(1, 60, 2),
        *offsets[:: max(1, len(offsets) // 15)],
        *range(60, len(content), len(content) // 15),
    ]:
        path.unlink(missing_ok=True)
        path.write_bytes(content[:length])
        with pytest.raises(ModelFileError):
            open_model(path)


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(start=st.sampled_from([b"lmgg", b"GGUF\x03\0\0\0", b"GGUF\x02\0\0\0", b""]), rest=st.binary(max_size=400))
def test_any_bytes_behind_a_magic_number(start, rest, tmp_path_factory):
    open_or_refuse(tmp_path_factory.getbasetemp() / "any-bytes.bin", start + rest)
