"""Rows of the token embedding in every format, with their positions, against the golden standard."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from gpu.backends.cuda_arena import Arena
from gpu.backends.cuda_device import CudaDevice, DeviceArray
from gpu.backends.cuda_sampling import SamplingOps, Sequences
from gpu.backends.cuda_weights import DeviceMatrix, upload_matrix
from gpu.model_file.model import Tensor
from gpu.model_file.quants import FORMATS
from gpu.token_rules import RuleState
from tests.support.cuda.choices import TINY, on_device
from tests.support.requantize import FORMAT_NAMES, K_FORMATS, encode

f32 = np.float32
N_TEXT_CTX = 19
FORMAT_OF = {block_format.name: block_format for block_format in FORMATS.values()}


class Embedding:
    """A random embedding of TINY's vocabulary, on the device and, as float32, on the host."""

    def __init__(self, device: CudaDevice, format_name: str, n_state: int) -> None:
        rng = np.random.default_rng(n_state)
        self.arena = Arena(device, 1 << 20)
        shape = (TINY.n_vocab, n_state)
        raw = encode(rng.standard_normal(shape).astype(f32), format_name).reshape(-1).view(np.uint8)
        tensor = Tensor("decoder.token_embedding.weight", FORMAT_OF[format_name], shape, raw)
        self.matrix: DeviceMatrix = upload_matrix(device, self.arena, tensor)
        self.positions: DeviceArray = self.arena.take((N_TEXT_CTX, n_state), f32)
        self._rows, self._positions = tensor.dequantize(), rng.standard_normal((N_TEXT_CTX, n_state)).astype(f32)
        device.upload(self.positions, self._positions)

    def expected(self, tokens: list[int], positions: list[int]) -> NDArray[f32]:
        return self._rows[tokens] + self._positions[positions]


def sizes(format_name: str) -> tuple[int, ...]:
    """Of rows: fewer and more than one block of threads reads."""
    return (256, 1280) if format_name in K_FORMATS else (64, 1088)


cases = pytest.mark.parametrize(("format_name", "n_state"), [(name, n) for name in FORMAT_NAMES for n in sizes(name)])


@cases
def test_sequences(cuda: CudaDevice, format_name: str, n_state: int) -> None:
    tokens, positions = [0, TINY.n_vocab - 1, 33, 7], [N_TEXT_CTX - 1, 0, 5, 5]
    embedding = Embedding(cuda, format_name, n_state)
    sequences = Sequences(cuda, embedding.arena, TINY, 4)
    sequences.admit(0, on_device([RuleState()] * 4, token=tokens, pos=positions, done=[0, 0, 1, 0]))
    x = embedding.arena.take((4, n_state), f32)
    SamplingOps(cuda).embed(embedding.matrix, embedding.positions, sequences, x)
    rows = cuda.download(x)
    going_on = [0, 1, 3]
    assert np.abs(rows - embedding.expected(tokens, positions))[going_on].max() < 1e-6
    assert np.isnan(rows[2]).all()  # as it was: that sequence is done


@cases
def test_a_prompt(cuda: CudaDevice, format_name: str, n_state: int) -> None:
    tokens, first = [21, 5, 0, TINY.n_vocab - 1, 5], N_TEXT_CTX - 5
    embedding = Embedding(cuda, format_name, n_state)
    prompt, x = embedding.arena.take((5,), np.int32), embedding.arena.take((5, n_state), f32)
    cuda.upload(prompt, np.array(tokens, np.int32))
    SamplingOps(cuda).embed_prompt(embedding.matrix, embedding.positions, prompt, first, x)
    assert np.abs(cuda.download(x) - embedding.expected(tokens, list(range(first, first + 5)))).max() < 1e-6
