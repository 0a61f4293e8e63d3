"""Ten thousand broken files of each format: our own error or a valid result, no crash, no growth."""

import struct
import zlib
from collections.abc import Callable
from functools import partial

import numpy as np
import psutil
import pytest

from gpu.errors import ModelFileError
from gpu.model_convert.checkpoint import read_checkpoint
from gpu.model_convert.ctranslate2 import read_ctranslate2
from gpu.model_convert.pickle_reader import read_pickle
from gpu.model_convert.safetensors import read_safetensors
from gpu.model_file.ggml import read_ggml
from gpu.model_file.gguf import read_gguf
from tests.support.errors import check_error
from tests.support.foreign_models import (
    PROTO,
    STOP,
    ctranslate2,
    pickled_dict,
    pickled_tensor,
    safetensors,
    write_archive,
)

FORMATS = ("checkpoint", "pickle", "safetensors", "ctranslate2", "gguf", "ggml")
W = np.arange(64, dtype="<f4").reshape(8, 8)
INTERESTING = [0, 1, 2, 3, 7, 31, 64, 127, 128, 255, 256, 2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1]
PICKLE_OPCODES = b"(.012FIJKLMNRSTUVXabcdegijlpqrstu}QZ[]{)\x80\x81\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x93\x94\x95"

Reader = Callable[[np.ndarray], object]


@pytest.fixture(scope="module")
def valid(tmp_path_factory, model, ggml_f16) -> dict[str, tuple[bytes, Reader]]:
    """A small valid file of each format, without the weights that a broken byte would not matter in, and its reader."""
    pickle = pickled_dict({f"layer.{i}.weight": pickled_tensor(str(i), "<f4", (8, 8), (8, 1)) for i in range(4)})
    path = write_archive(tmp_path_factory.mktemp("fuzz") / "model.pt", pickle, {str(i): W.tobytes() for i in range(4)})
    variables = {f"encoder/layer_{i}/ffn/linear_0/weight": W.astype("<f2") for i in range(4)}
    variables |= {"decoder/embeddings/weight": W.astype("<i1"), "decoder/embeddings/weight_scale": W[0]}
    gguf = model.write_gguf(path.with_name("model.gguf"), "Q4_0", "D").read_bytes()  # without a vocabulary
    ggml = ggml_f16.read_bytes()
    return {
        "checkpoint": (path.read_bytes(), lambda data: touch(read_checkpoint(data).tensors)),
        "pickle": (PROTO + pickle + STOP, lambda data: read_pickle(data.tobytes())),
        "safetensors": (safetensors({f"w{i}": ("F32", (8, 8), W.tobytes()) for i in range(4)}), read_and_touch),
        "ctranslate2": (ctranslate2(variables), lambda data: touch(read_ctranslate2(data))),
        "gguf": (gguf[:4000], read_gguf),
        "ggml": (ggml[: 60 + 4 * 80 * 201 + 200], read_ggml),
    }


def read_and_touch(data: np.ndarray) -> None:
    touch(read_safetensors(data))


@np.errstate(all="ignore")
def touch(tensors: dict[str, object]) -> None:
    """Every weight that a reader says is there can be read."""
    for tensor in tensors.values():
        assert tensor.rows(0, tensor.shape[0]).shape == tensor.shape


def broken(content: bytes, rng: np.random.Generator, *, is_pickle: bool) -> bytes:
    """Up to four places overwritten, with something inserted, taken out, or the end cut off."""
    changed = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        at = int(rng.integers(len(changed) + 1))
        n = INTERESTING[rng.integers(len(INTERESTING))]
        value = [
            n.to_bytes(8, "little"),
            (n % 2**32).to_bytes(4, "little"),
            bytes([n % 256]),
            bytes([PICKLE_OPCODES[rng.integers(len(PICKLE_OPCODES))]]) if is_pickle else rng.bytes(2),
        ][rng.integers(4)]
        match rng.integers(8):
            case 0:
                changed[at:at] = value
            case 1:
                del changed[at : at + len(value)]
            case 2 if not rng.integers(4):
                del changed[at:]
            case 3:
                other = int(rng.integers(len(changed) + 1))
                changed[at:at] = changed[other : other + int(rng.integers(64))]
            case _:
                changed[at : at + len(value)] = value
    return bytes(changed)


def with_checksums(content: bytes) -> bytes:
    """A zip archive whose checksums fit again: what is broken is found by those who come after them."""
    changed = bytearray(content)
    at = changed.find(b"PK\x01\x02")
    while at >= 0 and at + 46 <= len(changed):
        (size,) = struct.unpack_from("<I", changed, at + 24)
        (offset,) = struct.unpack_from("<I", changed, at + 42)
        if offset + 30 <= len(changed):
            n_name, n_extra = struct.unpack_from("<2H", changed, offset + 26)
            start = offset + 30 + n_name + n_extra
            struct.pack_into("<I", changed, at + 16, zlib.crc32(changed[start : start + size]))
        at = changed.find(b"PK\x01\x02", at + 4)
    return bytes(changed)


def fuzz(name: str, valid: dict[str, tuple[bytes, Reader]], count: int, seed: int) -> int:
    """How many of `count` broken files were refused."""
    content, read = valid[name]
    rng = np.random.default_rng(seed)
    n_refused = 0
    for _ in range(count):
        data = broken(content, rng, is_pickle=name in ("checkpoint", "pickle"))
        if name == "checkpoint":
            data = with_checksums(data)
        try:
            read(np.frombuffer(data, np.uint8))
        except ModelFileError as error:
            check_error(error)
            n_refused += 1
    return n_refused


@pytest.mark.parametrize("name", FORMATS)
def test_broken_files_are_read_or_refused(name, valid):
    assert fuzz(name, valid, 300, seed=0) > 50


@pytest.mark.long
@pytest.mark.parametrize("name", FORMATS)
def test_ten_thousand_broken_files_and_no_growth(name, valid):
    run = partial(fuzz, name, valid)
    run(1000, seed=1)  # imports and caches what it needs
    process = psutil.Process()
    before = process.memory_info().rss
    assert run(10_000, seed=2) > 1000
    assert process.memory_info().rss - before < 16e6
