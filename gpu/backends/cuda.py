"""The CUDA backend: Whisper on its quantized weights in the GPU's memory, with kernels of our own."""

from __future__ import annotations

from math import prod

import numpy as np

from gpu.backends.base import Cross, DecodePlan, Decoder, Floats, Limits
from gpu.backends.cuda_arena import Arena, aligned
from gpu.backends.cuda_cross import CrossPool
from gpu.backends.cuda_decoder import CudaDecoder
from gpu.backends.cuda_device import CudaDevice
from gpu.backends.cuda_encoder import Encoder
from gpu.backends.cuda_logits import N_SPARE, CudaLogits
from gpu.backends.cuda_network import DeviceNetwork
from gpu.backends.cuda_sampling import Beams, Sequences, Shapes, supports
from gpu.backends.cuda_slots import Slots, n_positions
from gpu.backends.cuda_text import TextBuffers, TextNetwork
from gpu.backends.host_decoder import HostDecoder
from gpu.backends.token_embedding import TokenEmbedding
from gpu.cancel import CancelToken
from gpu.model_file import ModelFile
from gpu.types import DeviceInfo, MemoryUsage

MAX_ROWS, MAX_SEQUENCES = 16, 16


class CudaBackend:
    """See `gpu.backends.base.Backend`. Belongs to the thread that made its device."""

    def __init__(self, model: ModelFile, device: CudaDevice, info: DeviceInfo) -> None:
        """Copy the weights to the device. The model file may be closed afterwards."""
        self.limits = Limits(rows=MAX_ROWS, sequences=MAX_SEQUENCES)
        self._cuda, self._info, self._dims = device, info, model.dims
        self._arena = Arena(device, n_bytes_of_model(model, MAX_ROWS + 1))
        network = DeviceNetwork.upload(model, device, self._arena)
        self._encoder = Encoder(device, network, self._arena)
        self._text = TextNetwork(device, network, self._arena)
        self._windows = CrossPool(device, self._arena, model.dims, MAX_ROWS + 1)
        self._embedding = TokenEmbedding(model)

    @property
    def device(self) -> DeviceInfo:
        return self._info

    def encode(self, mel: Floats, cancel: CancelToken) -> list[Cross]:
        windows: list[Cross] = []
        for window in mel:
            cross = self._windows.take()
            self._encoder.encode(window, cross.array, cancel)
            windows.append(cross)
        return windows

    def open(self, plan: DecodePlan, cancel: CancelToken) -> Decoder:
        """A decoder whose logits stay on the device, unless the rules look back on the text: then `HostDecoder`."""
        arena = Arena(self._cuda, n_bytes_of_decoder(self._dims, plan))
        if not supports(plan.rules):
            slots = Slots(self._cuda, self._text, plan, arena, N_SPARE)
            return HostDecoder(plan, CudaLogits(plan, slots, self._embedding), cancel)
        beams = Beams(arena, plan.rules, plan.sequences, plan.top_k) if plan.rows == 1 and plan.top_k else None
        return CudaDecoder(self._cuda, plan, Slots(self._cuda, self._text, plan, arena), beams, cancel)

    def memory(self) -> MemoryUsage:
        return self._cuda.memory()

    def close(self) -> None:
        del self._encoder, self._text, self._windows, self._embedding
        self._arena.free()
        self._cuda.close()
