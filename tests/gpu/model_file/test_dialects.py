import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from gpu.errors import DamagedModelError, ModelArchitectureError
from gpu.model_file import open_model
from gpu.model_file.dialects import interpret
from gpu.model_file.gguf import read_gguf
from gpu.model_file.mel_filters import mel_filters
from tests.support.ggml_writer import tensor_bytes
from tests.support.requantize import storage_format
from tests.support.synthetic_model import dialect_name, synthetic_dimensions, synthetic_model

DIALECTS = ["A", "B", "C", "D"]
BRINGS_MEL_FILTERS = {"A": True, "B": True, "C": False, "D": False}


@pytest.fixture(scope="module")
def two_layers():
    """Unequal halves, so that no dimension can stand in for another."""
    return synthetic_model(synthetic_dimensions(128, 1, n_text_layer=2, n_text_ctx=440))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_gives_the_same_model(dialect, two_layers, tmp_path):
    path = two_layers.write_gguf(tmp_path / "model.gguf", "Q5_0", dialect)
    with open_model(path) as model, open_model(two_layers.write_ggml(tmp_path / "model.bin", "Q5_0")) as same:
        assert (model.container, same.container) == ("gguf", "ggml")
        assert model.dims == same.dims == two_layers.dims
        assert model.quantization == same.quantization == "Q5_0"
        assert model.vocabulary == same.vocabulary
        assert list(model.tensors) == list(same.tensors)
        for name, tensor in model.tensors.items():
            assert (tensor.name, tensor.type, tensor.shape) == (name, same.tensors[name].type, same.tensors[name].shape)
            assert tensor.type.name == storage_format(name, len(tensor.shape), "Q5_0")
            np.testing.assert_array_equal(tensor.raw, same.tensors[name].raw, name)
        expected = two_layers.mel_filters if BRINGS_MEL_FILTERS[dialect] else mel_filters(80)
        np.testing.assert_array_equal(model.mel_filters, expected)


@pytest.mark.parametrize(
    ("dialect", "names"),
    [
        ("A", ["enc.conv.0.weight", "enc.blocks.0.attn.q.weight", "enc.blocks.0.norm_attn.bias", "dec.final_norm.bias",
               "dec.token_embd.weight", "dec.blocks.0.cross_attn.k.weight", "dec.blocks.1.norm_self.weight",
               "dec.blocks.1.self_attn.out.bias", "enc.pos_emb.weight", "dec.blocks.0.ffn.fc2.weight"]),
        ("C", ["model.encoder.blocks.0.attn.query.weight", "model.decoder.positional_embedding"]),
        ("D", ["model.encoder.layers.0.self_attn.q_proj.weight", "model.encoder.layers.0.self_attn_layer_norm.bias",
               "model.decoder.layers.1.encoder_attn.k_proj.weight", "model.decoder.embed_tokens.weight",
               "model.decoder.layers.1.encoder_attn_layer_norm.weight", "model.decoder.embed_positions.weight",
               "model.encoder.layer_norm.weight", "model.decoder.layers.0.fc1.bias"]),
    ],
)  # fmt: skip
def test_the_synthetic_files_use_the_names_seen_in_the_wild(dialect, names, two_layers):
    assert set(names) <= {dialect_name(name, dialect) for name in two_layers.weights}


@pytest.mark.parametrize("prefix", ["", "model.", "whisper."])
def test_openai_names_behind_a_prefix(prefix, tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr("tests.support.synthetic_model.dialect_name", lambda name, dialect: prefix + name)
    with open_model(tiny_model.write_gguf(tmp_path / "m.gguf", "Q4_0", "C")) as model:
        assert model.tensors.keys() == tiny_model.weights.keys()


def test_names_do_not_tell_the_container(tiny_model, tmp_path):
    with open_model(tiny_model.write_gguf(tmp_path / "ggml-tiny.bin", "Q4_0")) as model:
        assert model.container == "gguf"
    with open_model(tiny_model.write_ggml(tmp_path / "tiny.gguf", "Q4_0")) as model:
        assert model.container == "ggml"


@pytest.mark.parametrize(
    ("dialect", "key"),
    [("A", "stt.whisper.encoder.n_heads"), ("B", "whisper.decoder.block_count"), ("C", "whisper.text.context_length")],
)
def test_dimensions_that_are_no_numbers(dialect, key, tiny_model, tmp_path, refused):
    path = tiny_model.write_gguf(tmp_path / "m.gguf", "Q4_0", dialect, **{key: "six"})
    error = refused(path.read_bytes(), ModelArchitectureError)
    assert key in str(error)
    assert "six" in str(error)


def test_metadata_that_contradict_the_tensors(tiny_model, tmp_path, refused):
    path = tiny_model.write_gguf(tmp_path / "m.gguf", "Q4_0", "B", **{"whisper.decoder.block_count": 2})
    assert "decoder.blocks.1" in str(refused(path.read_bytes(), ModelArchitectureError))


def test_another_activation(tiny_model, tmp_path, refused):
    path = tiny_model.write_gguf(tmp_path / "m.gguf", "Q4_0", "A", **{"stt.whisper.encoder.activation": "relu"})
    assert "relu" in str(refused(path.read_bytes(), ModelArchitectureError))


def test_names_of_no_dialect(tiny_model, tmp_path, refused, monkeypatch):
    monkeypatch.setattr("tests.support.synthetic_model.dialect_name", lambda name, dialect: f"x.{name[::-1]}")
    path = tiny_model.write_gguf(tmp_path / "m.gguf", "Q4_0", "A")
    assert "lacks encoder.positional_embedding" in str(refused(path.read_bytes(), ModelArchitectureError))


def test_a_tensor_under_two_names(tiny_gguf, tmp_path):
    contents = read_gguf(np.frombuffer(tiny_gguf, np.uint8))
    contents.tensors["model.decoder.ln.bias"] = contents.tensors["decoder.ln.bias"]
    with pytest.raises(DamagedModelError, match=r"decoder\.ln\.bias occurs twice"):
        interpret(contents, tmp_path)


def test_english_only_tokens(tmp_path):
    """GPT-2's <|endoftext|> counts as the last text token, as in whisper.cpp's English-only files."""
    english = synthetic_model(synthetic_dimensions(64, 1, n_vocab=51864))
    english = replace(english, vocabulary=[*english.vocabulary[:-1], b"<|endoftext|>"])
    with open_model(english.write_gguf(tmp_path / "m.gguf", "Q4_0", "D")) as model:
        assert model.vocabulary == english.vocabulary


# --- dialect D: files beside the model


@pytest.fixture(scope="module")
def candle_folder(tiny_model, tmp_path_factory):
    return tiny_model.write_gguf(tmp_path_factory.mktemp("candle") / "model.gguf", "Q4_0", "D").parent


@pytest.fixture
def candle_model(candle_folder, tmp_path):
    """A fresh copy: the model, config.json and tokenizer.json."""
    return shutil.copytree(candle_folder, tmp_path / "candle") / "model.gguf"


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json"])
def test_files_that_belong_beside_the_model_are_missing(missing, candle_model):
    (candle_model.parent / missing).unlink()
    with pytest.raises(ModelArchitectureError, match=missing) as caught:
        open_model(candle_model)
    assert "tokenizer.json" in caught.value.remedy


@pytest.mark.parametrize(
    "content", ["", "no json", "[1]", "{", "[" * 100_000, '{"a": ' * 100_000, "1" * 10_000, "\udcff"]
)
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_files_beside_the_model_are_damaged(name, content, candle_model):
    (candle_model.parent / name).write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(DamagedModelError, match=name):
        open_model(candle_model)


@pytest.mark.parametrize(
    "tokenizer",
    [
        {},
        {"model": None},
        {"model": {"vocab": ["a"]}},
        {"model": {"vocab": {"a": "0"}}},
        {"model": {"vocab": {"a": 5}}},
        {"model": {"vocab": {"a": -1}}},
        {"model": {"vocab": {" ": 0}}},  # a space is written Ġ
        {"model": {"vocab": {"a": 0}}, "added_tokens": [1]},
        {"model": {"vocab": {"a": 0}}, "added_tokens": [{"id": 1, "content": None, "special": 1}]},
    ],
)
def test_a_tokenizer_of_another_kind(tokenizer, candle_model):
    (candle_model.parent / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises((DamagedModelError, ModelArchitectureError)):
        open_model(candle_model)


@pytest.mark.parametrize("config", [{}, {"d_model": 64}, {"d_model": 64.0}, {"d_model": None}, {"d_model": True}])
def test_a_configuration_of_another_kind(config, candle_model):
    (candle_model.parent / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelArchitectureError):
        open_model(candle_model)


# --- tokens and filters


def test_tokens_that_are_not_byte_level(tiny_gguf, refused):
    token = b"w300"
    at = tiny_gguf.index(token) - 2  # Ġ before it, two bytes of UTF-8
    for wrong, words in ((b"\xff\xff", "UTF-8"), (b"  ", "byte-level")):
        assert words in str(refused(tiny_gguf[:at] + wrong + tiny_gguf[at + 2 :], DamagedModelError))


def test_mel_filters_of_another_shape(tiny_model, tmp_path, refused):
    changed = replace(tiny_model, mel_filters=np.zeros((80, 200), np.float32))
    path = changed.write_gguf(tmp_path / "m.gguf", "Q4_0", "A")
    assert "(80, 200)" in str(refused(path.read_bytes(), ModelArchitectureError))


def test_a_ggml_file_may_not_hold_gguf_names(tiny_ggml, tiny_tensors, refused):
    addition = tensor_bytes("enc.final_norm.weight", tiny_tensors["encoder.ln_post.weight"])
    assert "enc.final_norm.weight" in str(refused(tiny_ggml + addition, ModelArchitectureError))
