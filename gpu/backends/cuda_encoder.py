"""The encoder on the device: a window's spectrogram in, the decoder's cross-attention keys and values out."""

from __future__ import annotations

import numpy as np

from gpu.backends.base import Floats
from gpu.backends.cuda_arena import Arena
from gpu.backends.cuda_attention import AttentionOps
from gpu.backends.cuda_device import CudaDevice, DeviceArray
from gpu.backends.cuda_linear import LinearOps
from gpu.backends.cuda_network import Block, DeviceNetwork, Norm
from gpu.backends.cuda_plan import encoder_arrays
from gpu.backends.cuda_streams import Event
from gpu.cancel import CancelToken


class Encoder:
    """Buffers and launches; one window at a time, since 1500 positions fill a GPU.

    The residual stream is float32; what enters a matrix product is rounded to float16.
    """

    def __init__(self, device: CudaDevice, network: DeviceNetwork, arena: Arena) -> None:
        dims = network.dims
        self._device, self._network = device, network
        self._linear, self._attention = LinearOps(device), AttentionOps(device)
        self._arrays = arena.take_all(encoder_arrays(dims))
        arrays = self._arrays
        self._x, self._h, self._wide = arrays["x"], arrays["h"], arrays["wide"]
        # Only from such memory does the device copy by itself while the host goes on.
        self._mel = device.pinned(arrays["mel"].shape, np.float32)
        self._uploaded: Event | None = None
        self._q, self._k, self._v = arrays["q"], arrays["k"], arrays["v"]

    def encode(self, mel: Floats, cross: DeviceArray, cancel: CancelToken) -> None:
        """Encode one window.

        Args:
            mel: (n_mels, 2 * n_audio_ctx) log-mel frames.
            cross: (n_text_layer, 2, n_head, n_audio_ctx, 64) float16, filled.
        """
        if self._uploaded is not None:
            self._uploaded.wait()  # the window before this one
        self._mel[:] = mel
        self._device.upload(self._arrays["mel"], self._mel)
        self._uploaded = self._device.event()
        self._stem()
        for block in self._network.encoder:
            cancel.check()
            self._block(block)
        cancel.check()
        self._norm(self._network.ln_post)
        for layer, block in enumerate(self._network.decoder):
            assert block.cross is not None
            self._linear.gemm(self._h, block.cross.key.matrix, self._k, block.cross.key.bias)
            self._linear.gemm(self._h, block.cross.value.matrix, self._v, block.cross.value.bias)
            self._attention.store_cross(self._k, self._v, cross, layer)

    def _stem(self) -> None:
        """Two convolutions over time as products with the columns under their windows, then the positions."""
        network, linear, attention, arrays = self._network, self._linear, self._attention, self._arrays
        one, two, conv1 = arrays["columns1"], arrays["columns2"], arrays["conv1"]
        attention.im2col_mel(arrays["mel"], one)
        linear.gemm(one, network.conv1.matrix, conv1, network.conv1.bias, gelu=True)
        attention.im2col_stride2(conv1.reshape(1, *conv1.shape), two)
        linear.gemm(two, network.conv2.matrix, self._x, network.conv2.bias, gelu=True)
        attention.add_positions(self._x.reshape(1, *self._x.shape), network.audio_positions)

    def _block(self, block: Block) -> None:
        linear, attention = self._linear, block.attn
        self._norm(attention.norm)
        for part, out in ((attention.query, self._q), (attention.key, self._k), (attention.value, self._v)):
            linear.gemm(self._h, part.matrix, out, part.bias)
        windows = [a.reshape(1, *a.shape) for a in (self._q, self._k, self._v, self._h)]
        self._attention.encoder_attention(*windows)
        linear.gemm(self._h, attention.out.matrix, self._x, attention.out.bias, accumulate=True)
        self._norm(block.mlp_norm)
        linear.gemm(self._h, block.mlp_in.matrix, self._wide, block.mlp_in.bias, gelu=True)
        linear.gemm(self._wide, block.mlp_out.matrix, self._x, block.mlp_out.bias, accumulate=True)

    def _norm(self, norm: Norm) -> None:
        self._attention.layer_norm(self._x, norm.weight, norm.bias, self._h)
