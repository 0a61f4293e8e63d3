"""Every kind of source to upstream's bytes, every type to ggml's own blocks; and what is left when it goes wrong."""

import subprocess
import sys
import tracemalloc
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader

from gpu.cancel import CancelToken
from gpu.errors import (
    Cancelled,
    ConversionError,
    DamagedModelError,
    ModelFileError,
    ModelNotFoundError,
    OptionsError,
    OutputFileError,
)
from gpu.model_convert.convert import convert
from gpu.model_convert.plan import tensor_order
from gpu.model_file import open_model
from tests.support.errors import check_error
from tests.support.foreign_models import (
    hugging_face_weights,
    openai_dims,
    write_checkpoint,
    write_ctranslate2,
    write_safetensors,
    write_shards,
    write_side_files,
)
from tests.support.ggml_writer import walk_ggml, write_ggml
from tests.support.requantize import SHIPPED_MODEL, ggml_library, storage_format
from tests.support.synthetic_model import synthetic_dimensions, synthetic_model
from tests.support.vocabularies import vocabulary

pytestmark = pytest.mark.slow

WRITABLE = ("F32", "F16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0")


def hugging_face(folder, model, dtype):
    write_safetensors(write_side_files(folder, model) / "model.safetensors", hugging_face_weights(model), dtype)
    return folder


SOURCES = {
    "OpenAI": lambda p, m: write_checkpoint(p / "base.pt", m.weights, openai_dims(m)),
    "Hugging Face": lambda p, m: hugging_face(p / "hf", m, "<f2"),
    "Hugging Face, F32": lambda p, m: hugging_face(p / "hf", m, "<f4") / "model.safetensors",
    "Hugging Face, F64": lambda p, m: hugging_face(p / "hf", m, "<f8"),
    "Hugging Face, in parts": lambda p, m: write_shards(write_side_files(p / "hf", m), m).parent,
    "Hugging Face, PyTorch": lambda p, m: (
        write_checkpoint(write_side_files(p / "hf", m) / "pytorch_model.bin", hugging_face_weights(m), None).parent
    ),
    "CTranslate2": lambda p, m: write_ctranslate2(p / "ct2", m),
    "GGUF A": lambda p, m: m.write_gguf(p / "model.gguf", "F16", "A"),
    "GGUF B": lambda p, m: m.write_gguf(p / "model.gguf", "F16", "B"),
}


def in_f16(w: np.ndarray) -> np.ndarray:
    return w.astype(np.float16).astype(np.float32)


class TestImport:
    @pytest.mark.parametrize("kind", SOURCES)
    def test_every_source_becomes_upstream_s_file(self, kind, model, ggml_f16, converted, tmp_path):
        assert converted(SOURCES[kind](tmp_path, model)) == ggml_f16.read_bytes()

    def test_english_only_and_large_v3(self, upstream_order, converted, tmp_path):
        """The vocabulary of the one has the end of text, the filters of the other 128 bins; neither is in the file."""
        from gpu.model_file.mel_filters import mel_filters

        for n_vocab, n_mels, kind in ((51864, 80, "english"), (51866, 128, "large-v3")):
            dims = synthetic_dimensions(64, 1, n_vocab=n_vocab, n_mels=n_mels)
            made = synthetic_model(dims)
            weights = {name: in_f16(made.weights[name]) for name in upstream_order if name in made.weights}
            made = replace(made, weights=weights, vocabulary=list(vocabulary(kind)), mel_filters=mel_filters(n_mels))
            source = write_checkpoint(tmp_path / "model.pt", made.weights, openai_dims(made))
            assert converted(source) == made.write_ggml(tmp_path / "expected.bin", "F16").read_bytes()

    def test_int8_of_ctranslate2(self, model, converted, tmp_path):
        """Integers by what they were multiplied with: within half a step of each row, plus F16's rounding."""
        converted(write_ctranslate2(tmp_path / "ct2", model, "<i1"))
        with open_model(tmp_path / "out" / "model.bin") as imported:
            for name, tensor in imported.tensors.items():
                w = model.weights[name]
                step = np.abs(w).max(axis=tuple(range(1, w.ndim)), keepdims=True) / 127 if w.ndim > 1 else 0
                assert (np.abs(tensor.dequantize() - w) <= step * 0.51 + np.abs(w) * 2**-10).all(), name

    def test_bfloat16(self, model, converted, tmp_path):
        converted(hugging_face(tmp_path / "hf", model, "bf16"), "f32")
        with open_model(tmp_path / "out" / "model.bin") as imported:
            for name, tensor in imported.tensors.items():
                cut = (model.weights[name].view(np.uint32) >> 16 << 16).view(np.float32)
                np.testing.assert_array_equal(tensor.dequantize(), cut)

    def test_mel_filters_of_the_folder_count_when_they_are_others(self, model, tmp_path, converted):
        import json

        folder = hugging_face(tmp_path / "hf", model, "<f2")
        filters = model.mel_filters.astype(np.float64) + 1e-8  # rounded elsewhere: OpenAI's are written
        expected = converted(folder)
        (folder / "preprocessor_config.json").write_text(json.dumps({"mel_filters": filters.tolist()}))
        assert converted(folder) == expected
        (folder / "preprocessor_config.json").write_text(json.dumps({"mel_filters": (2 * filters).T.tolist()}))
        converted(folder)
        with open_model(tmp_path / "out" / "model.bin") as imported:
            np.testing.assert_array_equal(imported.mel_filters, (2 * filters).astype(np.float32))

    def test_the_order_is_that_of_upstream_s_files(self, upstream_order):
        with open_model(SHIPPED_MODEL) as shipped:
            assert tensor_order(shipped.dims) == upstream_order


class TestTypes:
    @pytest.mark.parametrize("type_name", WRITABLE)
    def test_the_blocks_are_those_of_ggml(self, type_name, model, ggml_f16, converted, tmp_path):
        """ggml's own quantizer, in C, on the same weights."""
        encoded = {}
        for name, w in model.weights.items():
            stored = storage_format(name, w.ndim, type_name)
            if stored in ("F32", "F16"):
                raw = w.astype("<f4" if stored == "F32" else "<f2").reshape(-1).view(np.uint8)
            else:
                raw = quantized_by_ggml(w, stored)
            encoded[name] = (stored, raw, w.shape)
        expected = write_ggml(tmp_path / "expected.bin", model.dims, encoded, model.vocabulary, model.mel_filters)
        assert converted(ggml_f16, type_name.lower()) == expected.read_bytes()

    @pytest.mark.parametrize("type_name", ["F16", "Q5_1", "Q8_0"])
    def test_there_and_back_through_gguf(self, type_name, ggml_f16, converted, tmp_path):
        ggml = tmp_path / "ggml.bin"
        ggml.write_bytes(converted(ggml_f16, type_name.lower()))
        (tmp_path / "out" / "model.bin").unlink()
        gguf = tmp_path / "model.gguf"
        gguf.write_bytes(converted(ggml, suffix=".gguf"))
        (tmp_path / "out" / "model.gguf").unlink()
        assert converted(gguf) == ggml.read_bytes()

    def test_the_shipped_model_keeps_its_blocks(self, converted):
        assert converted(SHIPPED_MODEL, "q5_1") == SHIPPED_MODEL.read_bytes()

    def test_gguf_is_valid_and_explains_itself(self, model, ggml_f16, converted, tmp_path):
        """By the `gguf` package's own reader."""
        converted(ggml_f16, "q8_0", ".gguf")
        reader = GGUFReader(tmp_path / "out" / "model.gguf")
        assert reader.fields["general.architecture"].contents() == "whisper"
        assert reader.fields["general.file_type"].contents() == 7
        assert reader.fields["whisper.encoder.embedding_length"].contents() == 64
        assert reader.fields["whisper.vocab_size"].contents() == 51865
        assert len(reader.fields["tokenizer.ggml.tokens"].data) == 50257
        shapes = {tensor.name: tuple(tensor.shape[::-1]) for tensor in reader.tensors}
        assert shapes == {name: w.shape for name, w in model.weights.items()} | {"mel_filters": (80, 201)}
        with open_model(tmp_path / "out" / "model.gguf") as read:
            assert read.vocabulary == model.vocabulary
            assert asdict(read.dims) == asdict(model.dims)

    @pytest.mark.parametrize("type_name", ["q2_k", "Q4_K", "q6_k", "iq4_nl", "q9", "", "../q5_1"])
    def test_types_that_are_not_written_are_refused(self, type_name, ggml_f16, tmp_path):
        with pytest.raises(OptionsError) as caught:
            list(convert(ggml_f16, tmp_path / "model.bin", type_name, CancelToken()))
        check_error(caught.value)
        assert "q8_0" in caught.value.remedy


def quantized_by_ggml(w: np.ndarray, type_name: str) -> np.ndarray:
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    kind = GGMLQuantizationType[type_name]
    block_size, type_size = GGML_QUANT_SIZES[kind]
    weights = np.ascontiguousarray(w, np.float32)
    raw = np.empty(w.size // block_size * type_size, np.uint8)
    rows, columns = w.shape
    n = ggml_library().ggml_quantize_chunk(kind, weights.ctypes.data, raw.ctypes.data, 0, rows, columns, None)
    assert n == raw.size
    return raw


class TestNothingIsLeftBehind:
    def test_cancelled_at_any_step(self, ggml_f16, tmp_path):
        n_steps = sum(1 for _ in convert(ggml_f16, tmp_path / "model.bin", None, CancelToken()))
        before = (tmp_path / "model.bin").read_bytes()
        for stop in (0, n_steps // 2, n_steps - 2):
            cancel = CancelToken()
            steps = convert(ggml_f16, tmp_path / "model.bin", "q8_0", cancel)
            for _ in range(stop + 1):
                next(steps)
            assert (tmp_path / "model.bin.part").exists()
            cancel.cancel()
            with pytest.raises(Cancelled):
                next(steps)
            assert [file.name for file in tmp_path.iterdir()] == ["model.bin"]
        assert (tmp_path / "model.bin").read_bytes() == before

    def test_given_up_half_way(self, ggml_f16, tmp_path):
        steps = convert(ggml_f16, tmp_path / "model.gguf", None, CancelToken())
        next(steps)
        steps.close()
        assert list(tmp_path.iterdir()) == []

    def test_weights_that_are_no_numbers(self, model, tmp_path):
        name = "encoder.blocks.0.mlp.2.weight"
        weights = dict(model.weights) | {name: np.full_like(model.weights[name], np.nan)}
        source = write_checkpoint(tmp_path / "model.pt", weights, openai_dims(model))
        with pytest.raises(DamagedModelError, match=f"{name}.*finite") as caught:
            list(convert(source, tmp_path / "model.bin", None, CancelToken()))
        check_error(caught.value)
        assert [file.name for file in tmp_path.iterdir()] == ["model.pt"]

    def test_weights_that_f16_cannot_hold(self, model, tmp_path):
        name = "encoder.blocks.0.mlp.2.weight"
        weights = dict(model.weights) | {name: model.weights[name] * np.float32(1e6)}
        source = write_checkpoint(tmp_path / "model.pt", weights, openai_dims(model), "<f4")
        with pytest.raises(ConversionError, match="beyond what F16 holds") as caught:
            list(convert(source, tmp_path / "model.bin", None, CancelToken()))
        check_error(caught.value)
        list(convert(source, tmp_path / "model.bin", "f32", CancelToken()))

    @pytest.mark.skipif(sys.platform == "win32", reason="limits")
    def test_a_disk_that_is_full_half_way(self, ggml_f16, tmp_path):
        """The system refuses to let the file grow beyond 2 MB."""
        code = (
            "import resource, signal, sys; from pathlib import Path\n"
            "from gpu.cancel import CancelToken; from gpu.errors import OutputFileError\n"
            "from gpu.model_convert.convert import convert\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, 2 << 20))\n"
            "try: list(convert(Path(sys.argv[1]), Path(sys.argv[2]), None, CancelToken()))\n"
            "except OutputFileError as e: print(e)\n"
        )
        command = [sys.executable, "-c", code, str(ggml_f16), str(tmp_path / "model.bin")]
        result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3])
        assert "too large" in result.stdout
        assert list(tmp_path.iterdir()) == []


class TestPlacesThatWillNotDo:
    def error(self, source, output, kind=OutputFileError):
        with pytest.raises(kind) as caught:
            list(convert(source, output, None, CancelToken()))
        check_error(caught.value)
        return str(caught.value)

    def test_the_source_itself(self, ggml_f16):
        before = ggml_f16.read_bytes()
        assert "is read" in self.error(ggml_f16, ggml_f16.parent / ".." / ggml_f16.parent.name / ggml_f16.name)
        assert ggml_f16.read_bytes() == before

    def test_a_file_of_the_source_s_folder(self, model, tmp_path):
        folder = write_ctranslate2(tmp_path / "ct2", model)
        assert "is read" in self.error(folder, folder / "model.bin")
        index = write_shards(write_side_files(tmp_path / "hf", model), model)
        (index.parent / "pytorch_model-00001.bin").touch()
        assert "is read" in self.error(index, index.parent / "pytorch_model-00001.bin")
        list(convert(folder, folder / "ggml-model.bin", None, CancelToken()))

    def test_no_folder(self, ggml_f16, tmp_path):
        assert "No such file" in self.error(ggml_f16, tmp_path / "no" / "model.bin")

    def test_a_folder(self, ggml_f16, tmp_path):
        (tmp_path / "model.bin").mkdir()
        assert "folder" in self.error(ggml_f16, tmp_path / "model.bin")

    def test_not_enough_space(self, ggml_f16, tmp_path, monkeypatch):
        usage = type("Usage", (), {"free": 1_000_000})
        monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
        assert "1 MB are free" in self.error(ggml_f16, tmp_path / "model.bin")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("name", ["model", "model.safetensors", "model.bin.gz"])
    def test_another_kind_of_file(self, name, ggml_f16, tmp_path):
        assert "which kind of file" in self.error(ggml_f16, tmp_path / name, OptionsError)

    def test_folders_without_a_model(self, tmp_path):
        assert "none of" in self.error(tmp_path, tmp_path / "model.bin", ModelNotFoundError)
        (tmp_path / "a.pt").touch()
        (tmp_path / "b.pt").touch()
        assert "2 files" in self.error(tmp_path, tmp_path / "model.bin", ModelNotFoundError)
        self.error(tmp_path / "gone", tmp_path / "model.bin", ModelFileError)


@pytest.mark.parametrize(("suffix", "type_name"), [(".bin", "q5_1"), (".gguf", "f16")])
def test_memory_is_that_of_some_rows(suffix, type_name, tmp_path):
    """The token embedding alone has 40 MB in F32; what is not in the mapped file needs less."""
    model = synthetic_model(synthetic_dimensions(192, 1))
    source = model.write_ggml(tmp_path / "source.bin", "F32")
    del model
    tracemalloc.start()
    try:
        list(convert(source, tmp_path / f"model{suffix}", type_name, CancelToken()))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert source.stat().st_size > 40e6
    assert peak < 32e6


def test_names_of_walked_tensors_are_upstream_s(ggml_f16, upstream_order):
    names = [tensor.name for tensor in walk_ggml(ggml_f16.read_bytes())]
    assert names == [name for name in upstream_order if name in names]
