"""The CUDA backend: Whisper on its quantized weights in the GPU's memory, with kernels of our own."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np

from gpu.backends.base import Cross, DecodePlan, Decoder, Floats
from gpu.backends.cuda_arena import Arena, n_bytes_of
from gpu.backends.cuda_cross import CrossPool
from gpu.backends.cuda_decoder import CudaDecoder
from gpu.backends.cuda_device import CudaDevice
from gpu.backends.cuda_encoder import Encoder
from gpu.backends.cuda_logits import CudaLogits
from gpu.backends.cuda_mel import CudaSpectrogram
from gpu.backends.cuda_network import DeviceNetwork
from gpu.backends.cuda_plan import MAX_SEQUENCES, decoder_parts, fit, n_bytes_of_parts, scratch_parts, weight_arrays
from gpu.backends.cuda_sampling import Beams, supports
from gpu.backends.cuda_slots import Slots
from gpu.backends.cuda_text import TextNetwork
from gpu.backends.host_decoder import HostDecoder
from gpu.backends.token_embedding import TokenEmbedding
from gpu.cancel import CancelToken
from gpu.errors import DeviceError, DeviceMemoryError
from gpu.model_file import ModelFile
from gpu.types import DeviceInfo, MemoryUsage


class CudaBackend:
    """See `gpu.backends.base.Backend`. Belongs to the thread that made its device."""

    def __init__(self, model: ModelFile, device: CudaDevice, info: DeviceInfo) -> None:
        """Copy the weights to the device. The model file may be closed afterwards.

        Raises:
            DeviceMemoryError: the model does not fit, with what decoding it takes.
        """
        self._cuda, self._info, self._dims = device, info, model.dims
        self.limits, _ = fit(model.tensors, model.dims, device.memory().free)
        self._weights = Arena(device, n_bytes_of(weight_arrays(model.tensors)))
        self._scratch = Arena(device, n_bytes_of_parts(scratch_parts(model.dims)))
        network = DeviceNetwork.upload(model, device, self._weights)
        self._encoder = Encoder(device, network, self._scratch)
        self._text = TextNetwork(device, network, self._scratch)
        self.spectrogram = CudaSpectrogram(device, self._scratch, np.array(model.mel_filters))
        self._encoding = device.new_stream()
        self._windows = CrossPool(device, model.dims)
        self._embedding = TokenEmbedding(model)

    @property
    def device(self) -> DeviceInfo:
        return self._info

    @property
    def encodes_ahead(self) -> bool:
        return self._windows.has_room

    def encode(self, mel: Floats, cancel: CancelToken) -> list[Cross]:
        """Nothing is waited for: on a stream of its own, beside what is decoded from now on."""
        windows: list[Cross] = []
        for window in mel:
            cross = self._windows.take()
            self._encoding.wait(self._cuda.event())  # for the weights, and for what still reads where this window goes
            with self._cuda.on(self._encoding):
                self._encoder.encode(window, cross.array, cancel)
                cross.encoded = self._cuda.event()
            windows.append(cross)
        return windows

    def open(self, plan: DecodePlan, cancel: CancelToken) -> Decoder:
        """A decoder whose logits stay on the device; for rules that look back on the text `HostDecoder`."""
        if plan.rows * plan.sequences > MAX_SEQUENCES:
            raise ValueError(f"{MAX_SEQUENCES} sequences at most, the plan asks for {plan.rows} x {plan.sequences}")
        if plan.align and plan.sequences > 1:
            raise ValueError(f"one sequence of a window can be aligned, the plan asks for {plan.sequences}")
        arena = self._arena_of(n_bytes_of_parts(decoder_parts(self._dims, plan)))
        if not supports(plan.rules):
            rules = replace(plan.rules, repetition_penalty=1.0, no_repeat_ngram_size=0)
            slots = Slots(self._cuda, self._text, plan, rules, arena)
            return HostDecoder(plan, CudaLogits(plan, slots, self._embedding), cancel)
        slots = Slots(self._cuda, self._text, plan, plan.rules, arena)
        beams = Beams(arena, plan.rules, plan.sequences, plan.top_k) if plan.rows == 1 and plan.top_k else None
        return CudaDecoder(self._cuda, plan, slots, beams, cancel)

    def _arena_of(self, n_bytes: int) -> Arena:
        """What windows no longer need helps out."""
        try:
            return Arena(self._cuda, n_bytes)
        except DeviceMemoryError:
            self._windows.release()
        return Arena(self._cuda, n_bytes)

    def memory(self) -> MemoryUsage:
        return self._cuda.memory()

    def close(self) -> None:
        """Wait for the device and give its memory back. Decoders that are still open are of no use any more."""
        with suppress(DeviceError):  # it is known, or the device's own stream says it
            self._encoding.synchronize()
            self.spectrogram.close()
        del self._encoder, self._text, self._windows, self._embedding, self.spectrogram
        self._weights.free()
        self._scratch.free()
        self._cuda.close()
