"""The encoder on the device: a window's spectrogram in, the decoder's cross-attention keys and values out."""

from __future__ import annotations

import numpy as np

from gpu.backends.base import Floats
from gpu.backends.cuda_arena import Arena
from gpu.backends.cuda_attention import AttentionOps
from gpu.backends.cuda_device import CudaDevice, DeviceArray
from gpu.backends.cuda_linear import LinearOps
from gpu.backends.cuda_network import Block, DeviceNetwork, Norm
from gpu.cancel import CancelToken


class Encoder:
    """Buffers and launches; one window at a time, since 1500 positions fill a GPU.

    The residual stream is float32; what enters a matrix product is rounded to float16.
    """

    def __init__(self, device: CudaDevice, network: DeviceNetwork, arena: Arena) -> None:
        dims = network.dims
        n_ctx, d = dims.n_audio_ctx, dims.n_audio_state
        self._device, self._network = device, network
        self._linear, self._attention = LinearOps(device), AttentionOps(device)
        self._mel = arena.take((dims.n_mels, 2 * n_ctx), np.float32)
        self._columns1 = arena.take((2 * n_ctx, 3 * dims.n_mels), np.float16)
        self._conv1 = arena.take((2 * n_ctx, d), np.float16)
        self._columns2 = arena.take((n_ctx, 3 * d), np.float16)
        self._x = arena.take((n_ctx, d), np.float32)
        self._h, self._q, self._k, self._v = (arena.take((n_ctx, d), np.float16) for _ in range(4))
        self._wide = arena.take((n_ctx, 4 * d), np.float16)

    def encode(self, mel: Floats, cross: DeviceArray, cancel: CancelToken) -> None:
        """Encode one window.

        Args:
            mel: (n_mels, 2 * n_audio_ctx) log-mel frames.
            cross: (n_text_layer, 2, n_head, n_audio_ctx, 64) float16, filled.
        """
        self._device.upload(self._mel, np.ascontiguousarray(mel, np.float32))
        self._stem()
        for block in self._network.encoder:
            cancel.check()
            self._block(block)
        cancel.check()
        self._norm(self._network.ln_post)
        for layer, block in enumerate(self._network.decoder):
            assert block.cross is not None
            self._linear.gemm(self._h, block.cross.key.matrix, self._k, bias=block.cross.key.bias)
            self._linear.gemm(self._h, block.cross.value.matrix, self._v, bias=block.cross.value.bias)
            self._attention.store_cross(self._k, self._v, cross, layer)

    def encoded(self) -> Floats:
        """(n_audio_ctx, n_audio_state): what the latest window became, rounded to float16 (tests)."""
        return self._device.download(self._h).astype(np.float32)

    def _stem(self) -> None:
        """Two convolutions over time as products with the columns under their windows, then the positions."""
        network, linear, attention = self._network, self._linear, self._attention
        attention.im2col_mel(self._mel, self._columns1)
        linear.gemm(self._columns1, network.conv1.matrix, self._conv1, bias=network.conv1.bias, gelu=True)
        attention.im2col(self._conv1, self._columns2)
        linear.gemm(self._columns2, network.conv2.matrix, self._x, bias=network.conv2.bias, gelu=True)
        attention.add(self._x, network.audio_positions)

    def _block(self, block: Block) -> None:
        linear, attention = self._linear, block.attn
        self._norm(attention.norm)
        for part, out in ((attention.query, self._q), (attention.key, self._k), (attention.value, self._v)):
            linear.gemm(self._h, part.matrix, out, bias=part.bias)
        self._attention.encoder_attention(self._q, self._k, self._v, self._h)
        linear.gemm(self._h, attention.out.matrix, self._x, bias=attention.out.bias, accumulate=True)
        self._norm(block.mlp_norm)
        linear.gemm(self._h, block.mlp_in.matrix, self._wide, bias=block.mlp_in.bias, gelu=True)
        linear.gemm(self._wide, block.mlp_out.matrix, self._x, bias=block.mlp_out.bias, accumulate=True)

    def _norm(self, norm: Norm) -> None:
        self._attention.layer_norm(self._x, norm.weight, norm.bias, self._h)
