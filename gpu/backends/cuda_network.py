"""A model's weights on the device: matrices as their packed blocks, everything else in float32."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gpu.backends.cuda_arena import Arena
from gpu.backends.cuda_device import CudaDevice, DeviceArray
from gpu.backends.cuda_weights import DeviceMatrix, pack
from gpu.model_file import ModelDimensions, ModelFile


@dataclass(frozen=True)
class Linear:
    """y = x @ matrix.T + bias; bias (n_out,) float32 or None."""

    matrix: DeviceMatrix
    bias: DeviceArray | None


@dataclass(frozen=True)
class Norm:
    """A layer norm; weight and bias (n_state,) float32."""

    weight: DeviceArray
    bias: DeviceArray


@dataclass(frozen=True)
class Attention:
    norm: Norm
    query: Linear
    key: Linear
    value: Linear
    out: Linear


@dataclass(frozen=True)
class Block:
    """A layer; `cross` is the decoder's."""

    attn: Attention
    cross: Attention | None
    mlp_norm: Norm
    mlp_in: Linear
    mlp_out: Linear


@dataclass(frozen=True)
class DeviceNetwork:
    """Names as in openai/whisper. Convolutions are (n_out, n_in * 3) matrices; positions (n_ctx, n_state) float32."""

    dims: ModelDimensions
    conv1: Linear
    conv2: Linear
    audio_positions: DeviceArray
    encoder: tuple[Block, ...]
    ln_post: Norm
    embedding: DeviceMatrix
    text_positions: DeviceArray
    decoder: tuple[Block, ...]
    ln: Norm

    @classmethod
    def upload(cls, model: ModelFile, device: CudaDevice, arena: Arena) -> DeviceNetwork:
        """Copy the weights of `model`, which may be closed afterwards, into `arena`."""
        dims, weights = model.dims, _Upload(model, device, arena)
        return cls(
            dims=dims,
            conv1=weights.linear("encoder.conv1"),
            conv2=weights.linear("encoder.conv2"),
            audio_positions=weights.floats("encoder.positional_embedding"),
            encoder=tuple(weights.block(f"encoder.blocks.{i}") for i in range(dims.n_audio_layer)),
            ln_post=weights.norm("encoder.ln_post"),
            embedding=weights.matrix("decoder.token_embedding.weight"),
            text_positions=weights.floats("decoder.positional_embedding"),
            decoder=tuple(weights.block(f"decoder.blocks.{i}") for i in range(dims.n_text_layer)),
            ln=weights.norm("decoder.ln"),
        )


class _Upload:
    """Builds the network's parts from the tensors below a name, as openai/whisper's state dict names them."""

    def __init__(self, model: ModelFile, device: CudaDevice, arena: Arena) -> None:
        self._tensors, self._device, self._arena = model.tensors, device, arena

    def floats(self, name: str) -> DeviceArray:
        tensor = self._tensors[name]
        shape = tuple(n for n in tensor.shape if n > 1)  # biases of convolutions are columns in some files
        array = self._arena.take(shape, np.float32)
        self._device.upload(array, tensor.dequantize().reshape(shape))
        return array

    def matrix(self, name: str) -> DeviceMatrix:
        tensor = self._tensors[name]
        packed = pack(tensor)
        data = self._arena.take(packed.shape, np.uint8)
        self._device.upload(data, packed)
        n_out = tensor.shape[0]
        return DeviceMatrix(tensor.type.name, n_out, int(np.prod(tensor.shape[1:])), data)

    def linear(self, name: str) -> Linear:
        bias = f"{name}.bias"
        return Linear(self.matrix(f"{name}.weight"), self.floats(bias) if bias in self._tensors else None)

    def norm(self, name: str) -> Norm:
        return Norm(self.floats(f"{name}.weight"), self.floats(f"{name}.bias"))

    def attention(self, name: str) -> Attention:
        query, key, value, out = (self.linear(f"{name}.{part}") for part in ("query", "key", "value", "out"))
        return Attention(self.norm(f"{name}_ln"), query, key, value, out)

    def block(self, name: str) -> Block:
        return Block(
            attn=self.attention(f"{name}.attn"),
            cross=self.attention(f"{name}.cross_attn") if f"{name}.cross_attn.query.weight" in self._tensors else None,
            mlp_norm=self.norm(f"{name}.mlp_ln"),
            mlp_in=self.linear(f"{name}.mlp.0"),
            mlp_out=self.linear(f"{name}.mlp.2"),
        )
