"""Safetensors and CTranslate2: what is refused, and why."""

import json
import struct

import numpy as np
import pytest

from gpu.errors import DamagedModelError, ModelArchitectureError, ModelFileError
from gpu.model_convert.ctranslate2 import read_ctranslate2
from gpu.model_convert.safetensors import read_safetensors
from tests.support.errors import check_error
from tests.support.foreign_models import (
    ctranslate2,
    ctranslate2_variables,
    hugging_face_weights,
    safetensors,
    write_safetensors,
    write_shards,
    write_side_files,
)

W = np.arange(6, dtype="<f4").reshape(2, 3)


def in_bytes(content: bytes) -> np.ndarray:
    return np.frombuffer(content, np.uint8)


def header(entries: object, numbers: bytes = W.tobytes()) -> bytes:
    text = json.dumps(entries).encode() if not isinstance(entries, bytes) else entries
    return struct.pack("<Q", len(text)) + text + numbers


def entry(dtype="F32", shape=(2, 3), offsets=(0, 24)) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


BAD_SAFETENSORS = {
    "header of 2 GB": struct.pack("<Q", 2 << 30) + b"{" + bytes(100),
    "header of 2^64": struct.pack("<Q", (1 << 64) - 1) + b"{" + bytes(100),
    "header beyond the end": struct.pack("<Q", 1000) + b'{"a": 1}',
    "no JSON": header(b"{'a': 1}"),
    "nested JSON": header(b"[" * 100_000),
    "a list": header([1, 2]),
    "a number that is no text": header({"w": 5}),
    "no offsets": header({"w": {"dtype": "F32", "shape": [2, 3]}}),
    "three offsets": header({"w": entry(offsets=(0, 12, 24))}),
    "an unknown dtype": header({"w": entry("F8_E4M3")}),
    "a dtype that is a list": header({"w": entry(["F32"])}),
    "negative": header({"w": entry(shape=(-2, -3))}),
    "fractions": header({"w": entry(shape=(2.0, 3.0))}),
    "infinite": header({"w": entry(shape=(float("inf"), 3))}),
    "no dimensions": header({"w": entry(shape=())}),
    "2^62 weights": header({"w": entry(shape=(1 << 31, 1 << 31))}),
    "numbers of 4 kB": header(b'{"w": {"dtype": "F32", "shape": [' + b"9" * 5000 + b'], "data_offsets": [0, 24]}}'),
    "shape and bytes differ": header({"w": entry(shape=(2, 4))}),
    "overlap": header({"v": entry(), "w": entry()}),
    "partial overlap": header({"v": entry(), "w": entry(offsets=(12, 36))}, bytes(36)),
    "a hole": header({"w": entry(offsets=(4, 28))}, bytes(28)),
    "more than said": header({"w": entry()}, bytes(28)),
    "less than said": header({"w": entry()}, bytes(20)),
    "before the beginning": header({"w": entry(offsets=(-24, 0))}),
    "empty": b"",
}


@pytest.mark.parametrize("name", BAD_SAFETENSORS)
def test_safetensors_that_are_refused(name):
    with pytest.raises(DamagedModelError) as caught:
        read_safetensors(in_bytes(BAD_SAFETENSORS[name]))
    check_error(caught.value)


def test_safetensors_that_are_read():
    tensors = read_safetensors(in_bytes(safetensors({"w": ("F32", (2, 3), W.tobytes())})))
    np.testing.assert_array_equal(tensors["w"].rows(0, 2), W)


def test_shards(model, tmp_path, refused):
    folder = write_side_files(tmp_path / "hf", model)
    index = write_shards(folder, model)
    content = json.loads(index.read_text())
    (folder / "model-00002-of-00002.safetensors").unlink()
    refused(folder, ModelFileError)
    index.write_text(json.dumps(content | {"weight_map": {"w": "../elsewhere.safetensors"}}))
    refused(folder, DamagedModelError)
    index.write_text(json.dumps({"weight_map": [1]}))
    refused(folder, DamagedModelError)
    weights = hugging_face_weights(model)
    write_safetensors(folder / "model-00002-of-00002.safetensors", weights)  # all of them, the other half twice
    index.write_text(json.dumps(content))
    assert "two of the files" in str(refused(folder, DamagedModelError))


def test_what_lies_beside_the_weights(model, tmp_path, refused):
    folder = write_side_files(tmp_path / "hf", model)
    write_safetensors(folder / "model.safetensors", hugging_face_weights(model))
    good = {name: (folder / name).read_text() for name in ("config.json", "vocab.json")}
    for name, content in (
        ("config.json", "[]"),
        ("config.json", "{}"),
        ("config.json", good["config.json"].replace('"d_model": 64', '"d_model": 1073741824')),
        ("vocab.json", '{"a": 0}'),
        ("vocab.json", good["vocab.json"].replace('"!"', '"\\u4e2d"', 1)),
        ("vocab.json", '{"a": "b"}'),
        ("tokenizer.json", "{}"),
        ("vocabulary.json", '{"a": 0}'),
        ("preprocessor_config.json", '{"mel_filters": [[1, 2], [3]]}'),
        ("preprocessor_config.json", '{"mel_filters": [[1, 2], [3, 4]]}'),
        ("preprocessor_config.json", '{"mel_filters": "x"}'),
    ):
        if name == "vocabulary.json":
            (folder / "vocab.json").unlink()
        (folder / name).write_text(content)
        refused(folder, ModelFileError)
        (folder / name).unlink()
        for restored, text in good.items():
            (folder / restored).write_text(text)


def test_a_folder_without_a_vocabulary_has_openai_s(model, tmp_path, converted, ggml_f16):
    folder = write_side_files(tmp_path / "hf", model)
    write_safetensors(folder / "model.safetensors", hugging_face_weights(model))
    (folder / "vocab.json").unlink()
    assert converted(folder) == ggml_f16.read_bytes()


SMALL = {"encoder/conv1/weight": np.zeros((2, 3, 3), "<f2"), "encoder/conv1/bias": np.zeros(2, "<f2")}


class TestCTranslate2:
    def refused(self, content: bytes, kind=ModelFileError) -> None:
        with pytest.raises(kind) as caught:
            read_ctranslate2(in_bytes(content))
        check_error(caught.value)

    def test_other_versions_and_models(self):
        self.refused(struct.pack("<I", 5) + ctranslate2(SMALL)[4:], ModelArchitectureError)
        self.refused(ctranslate2(SMALL, "TransformerSpec"), ModelArchitectureError)
        self.refused(ctranslate2({"decoder/rotary/weight": SMALL["encoder/conv1/bias"]}), ModelArchitectureError)
        self.refused(ctranslate2({"decoder/layer_0/x/weight": SMALL["encoder/conv1/bias"]}), ModelArchitectureError)

    def test_cut_anywhere(self):
        content = ctranslate2(SMALL)
        end = content.index(struct.pack("<I", 1) + b"\x1a\0decoder/projection")  # aliases: not needed
        for length in range(end):
            self.refused(content[:length])

    def test_claims(self):
        content = ctranslate2(SMALL)
        count = content.index(b"Spec\0") + 5 + 4
        self.refused(content[:count] + struct.pack("<I", 2**32 - 1) + content[count + 4 :], DamagedModelError)
        shape = content.index(struct.pack("<3I", 2, 3, 3))
        for claim in ((2**32 - 1,) * 3, (0, 3, 3), (3, 3, 3)):
            self.refused(content[:shape] + struct.pack("<3I", *claim) + content[shape + 12 :], DamagedModelError)
        kind = shape + 12
        self.refused(content[:kind] + b"\x09" + content[kind + 1 :], DamagedModelError)

    @pytest.mark.parametrize("scale", [None, [1.0], [0.0, 1.0], [np.nan, 1.0], [1.0, 1.0, 1.0]])
    def test_integers_need_scales(self, scale):
        variables = {"decoder/embeddings/weight": np.ones((2, 3), "<i1")}
        if scale is not None:
            variables["decoder/embeddings/weight_scale"] = np.array(scale, "<f4")
        if scale == [1.0]:
            read_ctranslate2(in_bytes(ctranslate2(variables)))
        else:
            self.refused(ctranslate2(variables), DamagedModelError)

    def test_an_incomplete_model(self, model, tmp_path, refused):
        variables = ctranslate2_variables(model)
        for missing in ("encoder/conv1/weight", "decoder/layer_0/ffn/linear_0/bias", "decoder/embeddings/weight"):
            few = {name: values for name, values in variables.items() if name != missing}
            (tmp_path / "model.bin").unlink(missing_ok=True)
            (tmp_path / "model.bin").write_bytes(ctranslate2(few))
            refused(tmp_path / "model.bin", ModelArchitectureError)


def test_gguf_tensors_that_overlap(model, tmp_path, refused):
    path = model.write_gguf(tmp_path / "model.gguf", "F16", "B")
    content = path.read_bytes()
    name = b"encoder.blocks.0.attn_ln.weight"
    at = content.index(struct.pack("<Q", len(name)) + name) + 8 + len(name) + 4 + 8 + 4
    (offset,) = struct.unpack_from("<Q", content, at)
    path.unlink()
    path.write_bytes(content[:at] + struct.pack("<Q", offset - 32) + content[at + 8 :])
    assert "overlaps" in str(refused(path, DamagedModelError))
