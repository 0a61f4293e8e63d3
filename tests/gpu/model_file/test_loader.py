"""Paths, the mapping's life, and what opening costs."""

import gc
import os
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from gpu.errors import DamagedModelError, ModelNotFoundError
from gpu.model_file import open_model
from gpu.model_file.quants import Q5_1
from tests.support.permissions import needs_permissions


@pytest.fixture
def model_path(tiny_ggml, tmp_path) -> Path:
    path = tmp_path / "model.bin"
    path.write_bytes(tiny_ggml)
    return path


def is_mapped(path: Path) -> bool:
    return str(path) in Path("/proc/self/maps").read_text()


needs_proc = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's /proc")


def test_paths_in_any_language(tiny_ggml, tmp_path):
    folder = tmp_path / "语音 模型 – Ünïcödé 🎙"
    folder.mkdir()
    path = folder / "ggml базовая.bin"
    path.write_bytes(tiny_ggml)
    with open_model(path) as model:
        assert model.path == path


@pytest.mark.parametrize(
    ("name", "words"),
    [("no-such.bin", "No such file"), (".", "is a folder"), ("model.bin/x", ""), ("a\0b", "null"), ("x" * 300, "")],
)
def test_paths_that_lead_nowhere(name, words, model_path):
    path = model_path.parent / name
    with pytest.raises(ModelNotFoundError) as caught:
        open_model(path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.remedy


@needs_permissions
def test_a_file_that_may_not_be_read(model_path):
    model_path.chmod(0)
    with pytest.raises(ModelNotFoundError, match="Permission denied"):
        open_model(model_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ModelNotFoundError, match="not an ordinary file"):
        open_model(tmp_path / "pipe")


@needs_proc
def test_closing_unmaps_when_the_last_tensor_is_gone(model_path):
    model = open_model(model_path)
    tensor = model.tensors["encoder.conv1.weight"]
    expected = tensor.dequantize()
    model.close()
    model.close()
    assert not model.tensors
    assert is_mapped(model_path)
    np.testing.assert_array_equal(tensor.dequantize(), expected)
    del tensor
    assert not is_mapped(model_path)


@needs_proc
def test_closing_unmaps_at_once_when_no_tensor_is_in_use(model_path):
    with open_model(model_path):
        assert is_mapped(model_path)
    assert not is_mapped(model_path)


@needs_proc
def test_a_refused_file_is_let_go(model_path, tiny_ggml):
    model_path.write_bytes(tiny_ggml[:-1])
    with pytest.raises(DamagedModelError):
        open_model(model_path)
    gc.collect()  # the error's traceback refers to itself
    assert not is_mapped(model_path)


def test_a_closed_model_still_says_what_it_was(model_path):
    with open_model(model_path) as model:
        pass
    assert (model.quantization, model.dims.n_audio_layer, len(model.vocabulary)) == ("Q4_0", 1, 50257)


def test_nothing_of_the_weights_is_copied(shipped_model):
    open_model(shipped_model).close()
    tracemalloc.start()
    try:
        with open_model(shipped_model) as model:
            _, peak = tracemalloc.get_traced_memory()
            assert peak < 10e6  # the vocabulary, mostly
            tracemalloc.reset_peak()
            tensor = model.tensors["decoder.token_embedding.weight"]
            before, _ = tracemalloc.get_traced_memory()
            assert tensor.type is Q5_1
            assert tensor.blocks.shape == (51865, 16, 24)
            assert tracemalloc.get_traced_memory()[1] - before < 1e5
            weights = tensor.dequantize()
            _, peak = tracemalloc.get_traced_memory()
            assert peak - before < weights.nbytes + 20e6
    finally:
        tracemalloc.stop()


def test_opening_the_shipped_model_takes_milliseconds(shipped_model):
    times = []
    for _ in range(3):
        start = time.process_time()
        open_model(shipped_model).close()
        times.append(time.process_time() - start)
    assert min(times) < 0.3
