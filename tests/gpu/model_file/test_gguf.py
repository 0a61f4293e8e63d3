"""The GGUF container against the gguf package's reader, and against files that lie."""

import struct

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFEndian, GGUFReader, GGUFWriter

from gpu.errors import (
    DamagedModelError,
    ModelArchitectureError,
    ModelFileError,
    QuantizationVersionError,
    UnknownModelFormatError,
    UnknownTensorTypeError,
)
from gpu.model_file import open_model
from gpu.model_file.gguf import read_gguf
from tests.support.requantize import K_FORMATS, PLAIN_FORMATS, encode


def as_array(content: bytes) -> np.ndarray:
    return np.frombuffer(content, np.uint8)


def string(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def header(n_tensors: int, n_metadata: int, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, n_tensors, n_metadata)


def tensor_info(name: str, ne: tuple[int, ...], type_number: int, offset: int) -> bytes:
    return string(name) + struct.pack(f"<I{len(ne)}QIQ", len(ne), *ne, type_number, offset)


def padded(content: bytes, alignment: int = 32) -> bytes:
    return content + bytes(-len(content) % alignment)


def test_tensors_as_in_the_gguf_package(tiny_model, tmp_path):
    path = tiny_model.write_gguf(tmp_path / "m.gguf", "Q5_0", dialect="D")
    expected = {tensor.name: tensor for tensor in GGUFReader(path).tensors}
    tensors = read_gguf(as_array(path.read_bytes())).tensors
    assert list(tensors) == list(expected)
    for name, tensor in tensors.items():
        assert tensor.type.ggml_type == expected[name].tensor_type
        assert tensor.shape == tuple(expected[name].shape.tolist())[::-1]
        assert tensor.raw.tobytes() == expected[name].data.tobytes()
        assert not tensor.raw.flags.writeable


@pytest.mark.parametrize("format_name", PLAIN_FORMATS + K_FORMATS)
def test_every_type(format_name, tmp_path):
    weights = np.random.default_rng(0).standard_normal((3, 512), np.float32)
    raw = encode(weights, format_name)
    writer = GGUFWriter(tmp_path / "m.gguf", "whisper")
    writer.add_tensor("w", raw.reshape(3, -1), raw_dtype=GGMLQuantizationType[format_name])
    write(writer)
    (tensor,) = read_gguf(as_array((tmp_path / "m.gguf").read_bytes())).tensors.values()
    assert (tensor.name, tensor.type.name, tensor.shape) == ("w", format_name, (3, 512))
    np.testing.assert_array_equal(tensor.raw, raw)


def write(writer: GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_metadata_of_every_type(tmp_path):
    path = tmp_path / "m.gguf"
    writer = GGUFWriter(path, "whisper")
    expected = {
        "u8": 250, "i8": -5, "u16": 65535, "i16": -300, "u32": 2**32 - 1, "i32": -(2**31), "u64": 2**64 - 1,
        "i64": -(2**63), "f32": 0.5, "f64": 0.1, "yes": True, "no": False, "text": "naïve 语音",
    }  # fmt: skip
    for key, add in {
        "u8": writer.add_uint8, "i8": writer.add_int8, "u16": writer.add_uint16, "i16": writer.add_int16,
        "u32": writer.add_uint32, "i32": writer.add_int32, "u64": writer.add_uint64, "i64": writer.add_int64,
        "f32": writer.add_float32, "f64": writer.add_float64, "yes": writer.add_bool, "no": writer.add_bool,
        "text": writer.add_string,
    }.items():  # fmt: skip
        add(key, expected[key])
    writer.add_array("numbers", [1, -2, 3])
    writer.add_array("scores", [0.5, -1.5])
    writer.add_array("flags", [True, False])
    writer.add_array("languages", ["en", "zh"])
    writer.add_token_list(["a", "语", ""])
    writer.add_uint32("last", 7)
    write(writer)
    metadata = read_gguf(as_array(path.read_bytes())).metadata
    assert {key: metadata[key] for key in expected} == expected
    assert {key: type(metadata[key]) for key in expected} == {key: type(value) for key, value in expected.items()}
    np.testing.assert_array_equal(metadata["numbers"], [1, -2, 3])
    np.testing.assert_array_equal(metadata["scores"], [0.5, -1.5])
    np.testing.assert_array_equal(metadata["flags"], [True, False])
    assert metadata["tokenizer.ggml.tokens"] == [b"a", "语".encode(), b""]
    assert metadata["languages"] == []  # skipped: nobody asks
    assert metadata["last"] == 7
    assert metadata["general.architecture"] == "whisper"


@pytest.mark.parametrize("alignment", [8, 64, 4096])
def test_alignment(alignment, tmp_path):
    path = tmp_path / "m.gguf"
    writer = GGUFWriter(path, "whisper")
    writer.add_custom_alignment(alignment)
    tensors = {"a": np.arange(3, dtype=np.float32), "b": np.arange(5, dtype=np.float32)}
    for name, values in tensors.items():
        writer.add_tensor(name, values)
    write(writer)
    for name, tensor in read_gguf(as_array(path.read_bytes())).tensors.items():
        np.testing.assert_array_equal(tensor.dequantize(), tensors[name])


def test_version_2_is_laid_out_like_version_3(tiny_gguf, tiny_model, tmp_path):
    path = tmp_path / "m.gguf"
    path.write_bytes(tiny_gguf[:4] + struct.pack("<I", 2) + tiny_gguf[8:])
    with open_model(path) as model:
        assert model.dims == tiny_model.dims


@pytest.mark.parametrize("version", [0, 1, 4, 2**32 - 1])
def test_other_versions(version, refused):
    error = refused(header(0, 0, version), UnknownModelFormatError)
    assert f"version {version}" in str(error)


def test_big_endian(tmp_path, refused):
    writer = GGUFWriter(tmp_path / "m.gguf", "whisper", endianess=GGUFEndian.BIG)
    writer.add_tensor("a", np.zeros(3, np.float32))
    write(writer)
    error = refused((tmp_path / "m.gguf").read_bytes(), UnknownModelFormatError)
    assert "big-endian" in str(error)


def test_a_file_cut_inside_a_tensor_says_got_and_expected(tiny_gguf, refused):
    error = refused(tiny_gguf[:-100], DamagedModelError)
    assert "got " in str(error)
    assert "cut short" in str(error)


@pytest.mark.parametrize("length", [4, 8, 20, 24, 30, 100, 500_000])
def test_a_file_cut_before_its_tensors(length, tiny_gguf, refused):
    refused(tiny_gguf[:length], DamagedModelError)


F32, Q4_0, Q4_K = GGMLQuantizationType.F32, GGMLQuantizationType.Q4_0, GGMLQuantizationType.Q4_K
ARCHITECTURE = string("general.architecture") + struct.pack("<I", 8) + string("whisper")


def one_tensor(info: bytes, data: bytes = bytes(64)) -> bytes:
    return padded(header(1, 1) + ARCHITECTURE + info) + data


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (header(1, 1) + ARCHITECTURE, "tensor name"),
        (one_tensor(tensor_info("w", (64,), F32, 0)), "256 bytes"),
        (one_tensor(tensor_info("w", (8,), F32, 64)), "got 0"),
        (one_tensor(tensor_info("w", (8,), F32, 2**63)), "32 bytes"),
        (one_tensor(tensor_info("w", (8,), F32, 2**64 - 1)), "32 bytes"),
        (one_tensor(tensor_info("w", (2**63, 2**63, 2**63, 2**63), F32, 0)), "tensor w"),
        (one_tensor(tensor_info("w", (0,), F32, 0)), "shape"),
        (one_tensor(tensor_info("w", (), F32, 0)), "0 dimensions"),
        (one_tensor(tensor_info("w", (1, 1, 1, 1, 1), F32, 0)), "5 dimensions"),
        (one_tensor(tensor_info("w", (33,), Q4_0, 0)), "multiple of 32"),
        (one_tensor(tensor_info("w", (128,), Q4_K, 0)), "multiple of 256"),
        (padded(header(2, 1) + ARCHITECTURE + 2 * tensor_info("w", (8,), F32, 0)) + bytes(64), "w occurs twice"),
        (header(0, 2) + 2 * ARCHITECTURE, "general.architecture occurs twice"),
        (header(0, 1) + string("k") + struct.pack("<I", 13), "type 13"),
        (header(0, 1) + string("k") + struct.pack("<IIQ", 9, 9, 1), "type 9"),
        (header(0, 1) + string("k") + struct.pack("<IIQ", 9, 4, 2**62), "metadata k"),
        (header(0, 1) + string("k") + struct.pack("<IIQ", 9, 8, 2**62), "strings"),
        (header(0, 1) + string("k") + struct.pack("<IIQ", 9, 8, 1) + struct.pack("<Q", 2**64 - 1), "metadata k"),
        (header(0, 1) + string("k") + struct.pack("<IQ", 8, 2**64 - 1), "metadata k"),
        (header(0, 1) + struct.pack("<Q", 2**64 - 1), "metadata key"),
        (header(0, 1) + struct.pack("<Q", 2) + b"\xff\xff" + bytes(50), "UTF-8"),
        (header(2**31, 0), str(2**31)),
        (header(0, 2**63), str(2**63)),
        (header(1, 1) + string("general.alignment") + struct.pack("<II", 4, 0) + tensor_info("w", (1,), F32, 0)
         + bytes(64), "alignment"),
        (header(1, 1) + string("general.alignment") + struct.pack("<If", 6, 32) + tensor_info("w", (1,), F32, 0)
         + bytes(64), "alignment"),
    ],
)  # fmt: skip
def test_contradictions(content, words, refused):
    assert words in str(refused(content, DamagedModelError))


def test_unknown_tensor_type(refused):
    error = refused(one_tensor(tensor_info("enc.w", (8,), 30, 0)), UnknownTensorTypeError)
    for part in ("enc.w", "30", "BF16"):
        assert part in str(error)


def test_another_quantization_version(tiny_model, tmp_path, refused):
    path = tiny_model.write_gguf(tmp_path / "m.gguf", "Q4_0", dialect="B", **{"general.quantization_version": 1})
    assert "version 1" in str(refused(path.read_bytes(), QuantizationVersionError))


def test_another_architecture(tmp_path, refused):
    writer = GGUFWriter(tmp_path / "m.gguf", "llama")
    writer.add_tensor("token_embd.weight", np.zeros((4, 4), np.int8))  # a type that Whisper has no use for
    write(writer)
    assert "llama" in str(refused((tmp_path / "m.gguf").read_bytes(), ModelArchitectureError))


def test_an_empty_container(refused):
    refused(header(0, 0), ModelFileError)
