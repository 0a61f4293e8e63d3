import struct

import gguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType

from gpu.errors import (
    DamagedModelError,
    ModelArchitectureError,
    QuantizationVersionError,
    UnknownTensorTypeError,
)
from gpu.model_file import ModelDimensions, open_model
from tests.support.ggml_writer import tensor_bytes, walk_ggml, write_ggml
from tests.support.requantize import (
    FORMAT_NAMES,
    K_FORMATS,
    PLAIN_FORMATS,
    encode,
    encode_all,
    requantize,
    storage_format,
)
from tests.support.synthetic_model import synthetic_dimensions, synthetic_model

HEADER = 4 + 11 * 4  # magic and hyperparameters
MEL = 8 + 4 * 80 * 201  # shape and filters


def patched(content: bytes, offset: int, layout: str, *values: int) -> bytes:
    changed = bytearray(content)
    struct.pack_into(layout, changed, offset, *values)
    return bytes(changed)


# --- the shipped model


def test_dimensions_of_the_shipped_model(shipped_model):
    with open_model(shipped_model) as model:
        assert model.dims == ModelDimensions(80, 1500, 512, 8, 6, 51865, 448, 512, 8, 6)
        assert (model.container, model.quantization, model.n_bytes) == ("ggml", "Q5_1", shipped_model.stat().st_size)
        assert model.mel_filters.shape == (80, 201)
        assert model.mel_filters.dtype == np.float32
        assert len(model.vocabulary) == 50257
        assert b"".join(model.vocabulary[i] for i in (400, 370, 452, 7177, 6280)) == b" And so my fellow Americans"


def test_every_tensor_of_the_shipped_model(shipped_model):
    content = shipped_model.read_bytes()
    walked = {tensor.name: tensor for tensor in walk_ggml(content)}
    with open_model(shipped_model) as model:
        assert model.tensors.keys() == walked.keys()
        assert len(walked) == 245
        for name, tensor in model.tensors.items():
            expected = walked[name]
            assert tensor.name == name
            assert tensor.type.ggml_type == expected.type_number
            shape = expected.ne[::-1]
            assert tensor.shape == (shape[:1] if name.endswith(("conv1.bias", "conv2.bias")) else shape)
            assert tensor.raw.tobytes() == content[expected.data : expected.data + expected.n_bytes], name
            assert not tensor.raw.flags.writeable
            assert tensor.blocks.base is not None
        assert sum(tensor.type.name == "Q5_1" for tensor in model.tensors.values()) == 97


def test_every_tensor_of_the_shipped_model_dequantizes_as_in_the_gguf_package(shipped_model):
    with open_model(shipped_model) as model:
        for name, tensor in model.tensors.items():
            rows = tensor.raw.reshape(-1, tensor.shape[-1] // tensor.type.block_size * tensor.type.type_size)
            expected = gguf.quants.dequantize(rows.copy(), GGMLQuantizationType(tensor.type.ggml_type))
            weights = tensor.dequantize()
            assert weights.shape == tensor.shape
            assert weights.dtype == np.float32
            assert weights.flags.writeable
            np.testing.assert_array_equal(weights.view(np.uint32).ravel(), expected.view(np.uint32).ravel(), name)


@pytest.mark.long
@pytest.mark.parametrize("format_name", FORMAT_NAMES)
def test_the_shipped_model_in_every_type(format_name, tmp_path):
    requantized = requantize(tmp_path / "model.bin", format_name)
    content = requantized.read_bytes()
    with open_model(requantized) as model:
        assert model.quantization == format_name
        for expected in walk_ggml(content):
            tensor = model.tensors[expected.name]
            raw = np.frombuffer(content, np.uint8, expected.n_bytes, expected.data)
            weights = gguf.quants.dequantize(raw, GGMLQuantizationType(expected.type_number))
            np.testing.assert_array_equal(tensor.dequantize().ravel(), weights.ravel(), expected.name)


# --- synthetic models


@pytest.mark.parametrize("format_name", PLAIN_FORMATS)
def test_every_type(format_name, tiny_model, tmp_path):
    with open_model(tiny_model.write_ggml(tmp_path / "model.bin", format_name)) as model:
        assert model.dims == tiny_model.dims
        assert model.quantization == format_name
        assert model.vocabulary == tiny_model.vocabulary
        np.testing.assert_array_equal(model.mel_filters, tiny_model.mel_filters)
        for name, weights in tiny_model.weights.items():
            tensor = model.tensors[name]
            assert tensor.type.name == storage_format(name, weights.ndim, format_name)
            assert tensor.shape == weights.shape
            if tensor.type.name == "F32":
                np.testing.assert_array_equal(tensor.dequantize(), weights)
            if tensor.type.name == "F16":
                np.testing.assert_array_equal(tensor.dequantize(), weights.astype(np.float16))


@pytest.fixture(scope="module")
def wide_model():
    return synthetic_model(synthetic_dimensions(256, 1))


@pytest.fixture(scope="module")
def wide_tensors(wide_model):
    return encode_all(wide_model.weights, "F16")


@pytest.mark.parametrize("format_name", K_FORMATS)
def test_k_quants_beside_another_type(format_name, wide_model, wide_tensors, tmp_path):
    """Each tensor says its own type: what is not K-quantized here is F16."""
    synthetic, tensors = wide_model, dict(wide_tensors)
    k_quantized = [name for name, (stored_as, _, shape) in tensors.items() if "attn" in name and len(shape) == 2]
    tensors |= {n: (format_name, encode(synthetic.weights[n], format_name), (256, 256)) for n in k_quantized}
    path = write_ggml(
        tmp_path / "m.bin", synthetic.dims, tensors, synthetic.vocabulary, synthetic.mel_filters, ftype=2001
    )
    with open_model(path) as model:
        assert len(k_quantized) == 12
        assert model.quantization == "F16"
        for name, (stored_as, raw, _) in tensors.items():
            assert model.tensors[name].type.name == stored_as
            np.testing.assert_array_equal(model.tensors[name].raw, raw)


@pytest.mark.parametrize("n_vocab", [51864, 51866])
def test_english_only_and_large_v3_vocabularies(n_vocab, tmp_path):
    synthetic = synthetic_model(synthetic_dimensions(64, 1, n_vocab=n_vocab, n_mels=80 if n_vocab == 51864 else 128))
    with open_model(synthetic.write_ggml(tmp_path / "model.bin", "Q4_0")) as model:
        assert model.dims == synthetic.dims
        assert model.mel_filters.shape == (synthetic.dims.n_mels, 201)


def test_special_tokens_stored_behind_the_text_tokens_are_left_out(tiny_model, tiny_tensors, tmp_path):
    vocabulary = [*tiny_model.vocabulary, b"<|endoftext|>", b"<|startoftranscript|>"]
    path = write_ggml(tmp_path / "m.bin", tiny_model.dims, tiny_tensors, vocabulary, tiny_model.mel_filters)
    with open_model(path) as model:
        assert model.vocabulary == tiny_model.vocabulary


# --- damaged files


def test_the_shipped_model_cut_in_half(shipped_model, refused):
    content = shipped_model.read_bytes()
    error = refused(content[: len(content) // 2], DamagedModelError)
    assert "cut short" in str(error)


def test_a_file_cut_inside_a_tensor_says_got_and_expected(tiny_ggml, refused):
    tensor = next(t for t in walk_ggml(tiny_ggml) if t.name == "decoder.token_embedding.weight")
    error = refused(tiny_ggml[: tensor.data + 100], DamagedModelError)
    for part in (tensor.name, f"{tensor.n_bytes} bytes", f"offset {tensor.data}", "got 100"):
        assert part in str(error)


@pytest.mark.parametrize("length", [4, 10, HEADER, HEADER + 3, HEADER + 1000, HEADER + MEL, HEADER + MEL + 1000])
def test_a_file_cut_before_its_tensors(length, tiny_ggml, refused):
    refused(tiny_ggml[:length], DamagedModelError)


def test_a_file_cut_between_two_tensors_lacks_tensors(tiny_ggml, refused):
    last = walk_ggml(tiny_ggml)[-1]
    error = refused(tiny_ggml[: last.header], ModelArchitectureError)
    assert last.name in str(error)


def test_trailing_bytes(tiny_ggml, refused):
    refused(tiny_ggml + bytes(100), DamagedModelError)


def test_a_tensor_that_occurs_twice(tiny_ggml, tiny_tensors, refused):
    name = "encoder.ln_post.weight"
    error = refused(tiny_ggml + tensor_bytes(name, tiny_tensors[name]), DamagedModelError)
    assert f"{name} occurs twice" in str(error)


def test_rows_that_do_not_divide_into_blocks(tiny_ggml, refused):
    """A converter is known to write K-quants of tiny's 384-wide rows."""
    tensor = next(t for t in walk_ggml(tiny_ggml) if t.name == "encoder.blocks.0.attn.query.weight")
    error = refused(patched(tiny_ggml, tensor.header + 8, "<i", GGMLQuantizationType.Q4_K), DamagedModelError)
    for part in (tensor.name, "64", "multiple of 256", "Q4_K"):
        assert part in str(error)


@pytest.mark.parametrize(("number", "called"), [(30, "BF16"), (16, "IQ2_XXS"), (99, "99"), (-1, "-1")])
def test_unknown_tensor_type(number, called, tiny_ggml, refused):
    tensor = walk_ggml(tiny_ggml)[3]
    error = refused(patched(tiny_ggml, tensor.header + 8, "<i", number), UnknownTensorTypeError)
    for part in (tensor.name, str(number), called):
        assert part in str(error)


@pytest.mark.parametrize("qntvr", [0, 1, 3])
def test_another_quantization_version(qntvr, tiny_model, tiny_tensors, tmp_path, refused):
    path = write_ggml(
        tmp_path / "m.bin", tiny_model.dims, tiny_tensors, tiny_model.vocabulary, tiny_model.mel_filters,
        ftype=1000 * qntvr + 2,
    )  # fmt: skip
    error = refused(path.read_bytes(), QuantizationVersionError)
    assert f"version {qntvr}" in str(error)
    assert "expected version 2" in str(error)


def test_unquantized_files_need_no_quantization_version(tiny_model, tmp_path):
    path = tiny_model.write_ggml(tmp_path / "m.bin", "F16")
    assert struct.unpack_from("<i", path.read_bytes(), HEADER - 4) == (1,)
    with open_model(path) as model:
        assert model.quantization == "F16"


# --- other architectures


FIELDS = ("n_vocab", "n_audio_ctx", "n_audio_state", "n_audio_head", "n_audio_layer", "n_text_ctx", "n_text_state",
          "n_text_head", "n_text_layer", "n_mels")  # fmt: skip


@pytest.mark.parametrize("value", [0, -1, 7, 2**31 - 1])
@pytest.mark.parametrize("field", FIELDS)
def test_implausible_dimensions(field, value, tiny_ggml, refused):
    """Also where only the tensors' shapes give the lie away (seven layers, a context of seven)."""
    error = refused(patched(tiny_ggml, 4 + 4 * FIELDS.index(field), "<i", value), ModelArchitectureError)
    if (field, value) not in [("n_audio_layer", 7), ("n_text_layer", 7), ("n_text_ctx", 7)]:
        assert f"{field} {value}" in str(error) or field == "n_audio_head"


def test_missing_tensors_are_named(tiny_model, tiny_tensors, tmp_path, refused):
    lost = ["encoder.conv1.bias", "decoder.ln.weight"]
    tensors = {name: tensor for name, tensor in tiny_tensors.items() if name not in lost}
    path = write_ggml(tmp_path / "m.bin", tiny_model.dims, tensors, tiny_model.vocabulary, tiny_model.mel_filters)
    error = refused(path.read_bytes(), ModelArchitectureError)
    for name in lost:
        assert name in str(error)


def test_additional_tensors_are_named(tiny_ggml, tiny_tensors, refused):
    addition = tensor_bytes("decoder.blocks.0.lora.weight", tiny_tensors["encoder.ln_post.weight"])
    error = refused(tiny_ggml + addition, ModelArchitectureError)
    assert "decoder.blocks.0.lora.weight" in str(error)


def test_a_tied_output_projection_is_tolerated(tiny_ggml, tiny_tensors, tmp_path):
    path = tmp_path / "m.bin"
    path.write_bytes(tiny_ggml + tensor_bytes("proj_out.weight", tiny_tensors["decoder.token_embedding.weight"]))
    with open_model(path) as model:
        assert "proj_out.weight" not in model.tensors


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("encoder.blocks.0.mlp.0.weight", (128, 128)),  # as many weights
        ("encoder.conv1.weight", (64, 3, 80)),
        ("encoder.conv2.bias", (8, 8)),
        ("decoder.ln.bias", (32,)),
    ],
)
def test_misshaped_tensors_are_named(name, shape, tiny_model, tiny_tensors, tmp_path, refused):
    stored_as, raw, _ = tiny_tensors[name]
    tensors = tiny_tensors | {name: (stored_as, raw[: 4 * 32] if shape == (32,) else raw, shape)}
    path = write_ggml(tmp_path / "m.bin", tiny_model.dims, tensors, tiny_model.vocabulary, tiny_model.mel_filters)
    error = refused(path.read_bytes(), ModelArchitectureError)
    assert name in str(error)
    assert "expected" in str(error)


@pytest.mark.parametrize("n_tokens", [0, 100, 50255, 51866])
def test_a_vocabulary_of_another_size(n_tokens, tiny_model, tiny_tensors, tmp_path, refused):
    vocabulary = (tiny_model.vocabulary * 2)[:n_tokens]
    path = write_ggml(tmp_path / "m.bin", tiny_model.dims, tiny_tensors, vocabulary, tiny_model.mel_filters)
    assert str(n_tokens) in str(refused(path.read_bytes(), ModelArchitectureError))


def test_mel_filters_of_another_shape(tiny_model, tiny_tensors, tmp_path, refused):
    filters = np.zeros((80, 200), np.float32)
    path = write_ggml(tmp_path / "m.bin", tiny_model.dims, tiny_tensors, tiny_model.vocabulary, filters)
    error = refused(path.read_bytes(), ModelArchitectureError)
    assert "(80, 200)" in str(error)
    assert "(80, 201)" in str(error)


def test_names_that_are_no_text(tiny_ggml, refused):
    tensor = walk_ggml(tiny_ggml)[0]
    name_at = tensor.header + 12 + 4 * len(tensor.ne)
    refused(tiny_ggml[:name_at] + b"\xff\xfe" + tiny_ggml[name_at + 2 :], DamagedModelError)
    refused(tiny_ggml[:name_at] + b"\n\x1b" + tiny_ggml[name_at + 2 :], ModelArchitectureError)  # shown escaped
