"""The engine's products, each compared on the spot with NumPy's of the same inputs and the same rounding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gpu.backends.cuda_device import CudaDevice
from gpu.backends.cuda_linear import LinearOps
from gpu.backends.cuda_network import DeviceNetwork, Linear
from gpu.backends.reference_model import LayerNorm, gelu
from gpu.model_file import Tensor
from tests.support.rounded_whisper import eight_bits, half


def linear_layers(network: DeviceNetwork) -> Iterator[tuple[str, Linear]]:
    """By openai/whisper's names."""
    yield from (("encoder.conv1", network.conv1), ("encoder.conv2", network.conv2))
    yield "decoder.token_embedding", Linear(network.embedding, None)
    for part, blocks in (("encoder", network.encoder), ("decoder", network.decoder)):
        for i, block in enumerate(blocks):
            name = f"{part}.blocks.{i}"
            for kind, attention in (("attn", block.attn), ("cross_attn", block.cross)):
                if attention is not None:
                    for role in ("query", "key", "value", "out"):
                        yield f"{name}.{kind}.{role}", getattr(attention, role)
            yield from ((f"{name}.mlp.0", block.mlp_in), (f"{name}.mlp.2", block.mlp_out))


class CheckedProducts:
    """In the place of `LinearOps`.

    Attributes:
        errors: relative L2 of each product, by method.
    """

    def __init__(self, device: CudaDevice, network: DeviceNetwork, tensors: Mapping[str, Tensor]) -> None:
        self._ops, self._device = LinearOps(device), device
        self._weights = {
            linear.matrix: tensors[f"{name}.weight"].dequantize().reshape(linear.matrix.n_out, -1)
            for name, linear in linear_layers(network)
        }
        self.errors: dict[str, list[float]] = {"gemm": [], "gemv": [], "gemv_qkv": []}

    def gemm(self, a: Any, m: Any, out: Any, *args: Any, **options: Any) -> None:
        self._check("gemm", self._host(a), half(self._weights[m]), (a, m, out, *args), options)

    def gemv(self, x: Any, m: Any, out: Any, *args: Any, **options: Any) -> None:
        self._check("gemv", self._read(x, m, options.get("norm")), self._weights[m], (x, m, out, *args), options)

    def gemv_qkv(self, x: Any, norm: Any, projections: Any, q: Any, cache: Any, states: Any) -> None:
        self._ops.gemv_qkv(x, norm, projections, q, cache, states)
        position = self._device.download(states)[0, 1]
        keys_and_values = self._host(cache)[:, 0, :, position].reshape(2, -1)
        got = [self._host(q)[0], *keys_and_values]
        for i, (linear, array) in enumerate(zip(projections, got, strict=True)):
            bias = 0 if linear.bias is None else self._host(linear.bias)
            expected = (self._read(x, linear.matrix, norm) @ self._weights[linear.matrix].T + bias)[0]
            self._note("gemv_qkv", array, expected, in_halves=i > 0)

    def _check(self, name: str, x: np.ndarray, weights: np.ndarray, args: tuple[Any, ...], options: Any) -> None:
        out, bias = args[2], args[3] if len(args) > 3 else None
        before = self._host(out) if options.get("accumulate") else 0
        getattr(self._ops, name)(*args, **options)
        expected = x @ weights.T + (0 if bias is None else self._host(bias))
        expected = before + (gelu(expected) if options.get("gelu") else expected)
        self._note(name, self._host(out), expected, in_halves=out.dtype == np.float16)

    def _read(self, x: Any, m: Any, norm: Any) -> np.ndarray:
        """What a row's weights meet."""
        host = self._host(x)
        if norm is not None:
            host = LayerNorm(self._host(norm.weight), self._host(norm.bias))(host)
        return eight_bits(host) if m.format.startswith("Q") else host

    def _note(self, name: str, got: np.ndarray, expected: np.ndarray, in_halves: bool) -> None:
        """Of halves how much farther they are than rounding to the nearest leaves them."""
        error = np.abs(got - expected)
        if in_halves:
            error = np.maximum(error - np.spacing(np.abs(got).astype(np.float16)).astype(np.float32) / 2, 0)
        self.errors[name].append(float(np.linalg.norm(error) / np.linalg.norm(expected)))

    def _host(self, array: Any) -> np.ndarray:
        return self._device.download(array).astype(np.float32)
