import io
import json
import pickle
import struct
import zipfile

import pytest

from gpu.errors import UnknownModelFormatError


def zip_of(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "content")
    return file.getvalue()


def safetensors() -> bytes:
    header = json.dumps({"model.encoder.conv1.bias": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(4)


# One file of each kind, made the way its own writers make it, and a word that must be in the message.
LOOKALIKES = {
    "pytorch": (zip_of("archive/data.pkl", "archive/data/0"), "PyTorch"),
    "pytorch, old": (pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2), "PyTorch"),
    "safetensors": (safetensors(), "safetensors"),
    "ctranslate2": (struct.pack("<IH", 6, 12) + b"WhisperSpec\0" + struct.pack("<I", 3), "CTranslate2"),
    "web page": (b"\n<!DOCTYPE html>\n<html><head><title>404</title>", "web page"),
    "web page, bare": (b"<HTML><body>Not found", "web page"),
    "git lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:422f\nsize 59707625\n", "Git LFS"),
    "json": (b'{"error": "Repository not found"}', "JSON"),
    "zip": (zip_of("ggml-base.bin"), "zip"),
    "gzip": (b"\x1f\x8b\x08\0" + bytes(20), "compressed"),
    "wav": (b"RIFF\x24\0\0\0WAVEfmt ", "recording"),
    "mp4": (b"\0\0\0\x20ftypisom", "recording"),
    "zeros": (bytes(4096), "zeros"),
    "big-endian ggml": (b"ggml" + struct.pack(">i", 51865), "big-endian"),
    "llama.cpp": (b"tjgg" + struct.pack("<i", 3), "llama.cpp"),
}


@pytest.mark.parametrize("kind", LOOKALIKES)
def test_says_what_the_file_is(kind, refused):
    content, word = LOOKALIKES[kind]
    assert word in str(refused(content, UnknownModelFormatError))


def test_onnx(refused):
    onnx = pytest.importorskip("onnx")
    model = onnx.helper.make_model(onnx.helper.make_graph([], "g", [], []), producer_name="test")
    assert "ONNX" in str(refused(model.SerializeToString(), UnknownModelFormatError))


def test_an_empty_file(refused):
    assert "0 bytes" in str(refused(b"", UnknownModelFormatError))


@pytest.mark.parametrize("content", [b"x", b"lmg", b"GGU", b"gguf", b"\x00\x01\x02\x03", b"plain text\n" * 100])
def test_shows_the_bytes_of_anything_else(content, refused):
    error = refused(content, UnknownModelFormatError)
    assert content[:4].hex(" ") in str(error)
    assert "6c 6d 67 67" in str(error)


@pytest.mark.parametrize("name", ["model.bin", "model.gguf", "模型 ü.pt"])
def test_the_name_means_nothing(name, refused):
    assert "PyTorch" in str(refused(LOOKALIKES["pytorch"][0], UnknownModelFormatError, name))
