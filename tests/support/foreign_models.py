"""Writes models as other programs do: PyTorch checkpoints, safetensors, CTranslate2, each with its files beside it.

Written from the formats' descriptions; no PyTorch. Weights come as float32 and are stored in the asked-for dtype.
"""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np

from tests.support.synthetic_model import SyntheticModel, byte_level, config_json, dialect_name

TORCH_STORAGES = {"<f2": "HalfStorage", "<f4": "FloatStorage", "<f8": "DoubleStorage"}
SAFETENSORS_DTYPES = {"<f2": "F16", "<f4": "F32", "<f8": "F64", "bf16": "BF16"}

# --- pickles, instruction by instruction (protocol 2)

PROTO, STOP, MARK, TUPLE, REDUCE, BUILD, BINPERSID = b"\x80\x02", b".", b"(", b"t", b"R", b"b", b"Q"
EMPTY_DICT, EMPTY_TUPLE, SETITEMS, NEWFALSE = b"}", b")", b"u", b"\x89"


def pickled_name(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def pickled_text(text: str) -> bytes:
    return b"X" + struct.pack("<I", len(text.encode())) + text.encode()


def pickled_int(n: int) -> bytes:
    return b"J" + struct.pack("<i", n)


def pickled_tuple(*items: bytes) -> bytes:
    return MARK + b"".join(items) + TUPLE


def pickled_dict(items: Mapping[str, bytes]) -> bytes:
    return EMPTY_DICT + MARK + b"".join(pickled_text(key) + value for key, value in items.items()) + SETITEMS


def pickled_tensor(key: str, dtype: str, shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0) -> bytes:
    n = int(np.prod(shape))
    storage = pickled_tuple(
        pickled_text("storage"), pickled_name("torch", TORCH_STORAGES[dtype]), pickled_text(key), pickled_text("cpu"),
        pickled_int(n),
    ) + BINPERSID  # fmt: skip
    hooks = pickled_name("collections", "OrderedDict") + EMPTY_TUPLE + REDUCE
    arguments = pickled_tuple(
        storage, pickled_int(offset), pickled_tuple(*map(pickled_int, shape)),
        pickled_tuple(*map(pickled_int, strides)), NEWFALSE, hooks,
    )  # fmt: skip
    return pickled_name("torch._utils", "_rebuild_tensor_v2") + arguments + REDUCE


def write_archive(
    path: Path, pickle: bytes, storages: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED
) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("model/data.pkl", PROTO + pickle + STOP)
        archive.writestr("model/byteorder", "little")
        for key, numbers in storages.items():
            archive.writestr(f"model/data/{key}", numbers)
    return path


def write_checkpoint(
    path: Path, weights: Mapping[str, np.ndarray], dims: Mapping[str, int] | None, dtype="<f2"
) -> Path:
    """What `torch.save` writes: OpenAI's dict with `dims`, or a bare state dict; some matrices transposed in memory."""
    storages, state = {}, {}
    for i, (name, w) in enumerate(weights.items()):
        order = "F" if w.ndim == 2 and i % 2 else "C"
        numbers = np.asarray(w, dtype, order=order)
        storages[str(i)] = numbers.tobytes(order="A")
        strides = tuple(stride // numbers.itemsize for stride in numbers.strides)
        state[name] = pickled_tensor(str(i), dtype, w.shape, strides)
    pickle = pickled_dict(state)
    if dims is not None:
        stated = pickled_dict({name: pickled_int(n) for name, n in dims.items()})
        pickle = pickled_dict({"dims": stated, "model_state_dict": pickle})
    return write_archive(path, pickle, storages)


# --- safetensors


def safetensors(tensors: Mapping[str, tuple[str, tuple[int, ...], bytes]]) -> bytes:
    """A file of tensors: name -> dtype as the format calls it, shape, bytes."""
    header, offset = {}, 0
    for name, (dtype, shape, raw) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, offset + len(raw)]}
        offset += len(raw)
    text = json.dumps({"__metadata__": {"format": "pt"}} | header).encode()
    return struct.pack("<Q", len(text)) + text + b"".join(raw for _, _, raw in tensors.values())


def write_safetensors(path: Path, weights: Mapping[str, np.ndarray], dtype: str = "<f2") -> Path:
    def numbers(w: np.ndarray) -> bytes:
        return (w.view(np.uint32) >> 16).astype("<u2").tobytes() if dtype == "bf16" else w.astype(dtype).tobytes()

    tensors = {name: (SAFETENSORS_DTYPES[dtype], w.shape, numbers(w)) for name, w in weights.items()}
    path.write_bytes(safetensors(tensors))
    return path


def hugging_face_weights(model: SyntheticModel) -> dict[str, np.ndarray]:
    return {dialect_name(name, "D"): w for name, w in model.weights.items()}


def write_side_files(folder: Path, model: SyntheticModel) -> Path:
    """config.json, vocab.json and added_tokens.json, as a Hugging Face folder has them."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config_json(model.dims)))
    (folder / "vocab.json").write_text(json.dumps({byte_level(token): i for i, token in enumerate(model.vocabulary)}))
    (folder / "added_tokens.json").write_text(json.dumps({"<|startoftranscript|>": 50258}))
    return folder


def write_shards(folder: Path, model: SyntheticModel) -> Path:
    weights = hugging_face_weights(model)
    names = sorted(weights)
    weight_map = {}
    for i, part in enumerate((names[::2], names[1::2]), 1):
        file = f"model-0000{i}-of-00002.safetensors"
        write_safetensors(folder / file, {name: weights[name] for name in part})
        weight_map |= dict.fromkeys(part, file)
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 0}, "weight_map": weight_map}))
    return index


# --- CTranslate2

_CT2_NUMBERS = {"<f4": 0, "<i1": 1, "<i2": 2, "<f2": 4}


def ctranslate2(variables: Mapping[str, np.ndarray], spec: str = "WhisperSpec") -> bytes:
    def text(name: str) -> bytes:
        return struct.pack("<H", len(name) + 1) + name.encode() + b"\0"

    parts = [struct.pack("<I", 6), text(spec), struct.pack("<II", 3, len(variables))]
    for name, values in variables.items():
        kind = _CT2_NUMBERS[values.dtype.str.replace("|", "<")]
        parts += [text(name), struct.pack(f"<B{values.ndim}IBI", values.ndim, *values.shape, kind, values.nbytes)]
        parts.append(values.tobytes())
    aliases = struct.pack("<I", 1) + text("decoder/projection/weight") + text("decoder/embeddings/weight")
    return b"".join(parts) + aliases


class _Variables:
    """Collects variables: weights and biases under one target, int8 by row if `dtype` is "<i1"."""

    def __init__(self, dtype: str) -> None:
        self.variables: dict[str, np.ndarray] = {"decoder/activation": np.array(3, np.int8)}
        self._dtype = dtype
        self._float = "<f4" if dtype == "<i1" else dtype

    def vector(self, target: str, values: np.ndarray) -> None:
        self.variables[target] = values.astype(self._float)

    def matrix(self, target: str, weight: np.ndarray) -> None:
        if self._dtype != "<i1":
            self.vector(f"{target}/weight", weight)
            return
        scale = np.float32(127) / np.abs(weight).max(axis=tuple(range(1, weight.ndim)))
        rows = scale.reshape(-1, *[1] * (weight.ndim - 1))
        self.variables[f"{target}/weight"] = np.rint(weight * rows).astype(np.int8)
        self.variables[f"{target}/weight_scale"] = scale


def ctranslate2_variables(model: SyntheticModel, dtype: str = "<f2") -> dict[str, np.ndarray]:
    """The model as the converter of CTranslate2 names, joins and stores it; `dtype` "<i1": weights in int8, by row."""
    w = model.weights
    collected = _Variables(dtype)

    def linear(target: str, *sources: str) -> None:
        collected.matrix(target, np.concatenate([w[f"{source}.weight"] for source in sources]))
        zeros = np.zeros(model.dims.n_audio_state, np.float32)  # keys have no bias
        collected.vector(f"{target}/bias", np.concatenate([w.get(f"{source}.bias", zeros) for source in sources]))

    def norm(target: str, source: str) -> None:
        collected.vector(f"{target}/gamma", w[f"{source}.weight"])
        collected.vector(f"{target}/beta", w[f"{source}.bias"])

    linear("encoder/conv1", "encoder.conv1")
    linear("encoder/conv2", "encoder.conv2")
    collected.matrix("decoder/embeddings", w["decoder.token_embedding.weight"])
    n_layers = {"encoder": model.dims.n_audio_layer, "decoder": model.dims.n_text_layer}
    for half, last in (("encoder", "ln_post"), ("decoder", "ln")):
        collected.vector(f"{half}/position_encodings/encodings", w[f"{half}.positional_embedding"])
        norm(f"{half}/layer_norm", f"{half}.{last}")
        collected.variables[f"{half}/num_heads"] = np.array(model.dims.n_audio_head, np.int16)
        for i in range(n_layers[half]):
            layer, block = f"{half}/layer_{i}", f"{half}.blocks.{i}"
            norm(f"{layer}/self_attention/layer_norm", f"{block}.attn_ln")
            linear(f"{layer}/self_attention/linear_0", *(f"{block}.attn.{part}" for part in ("query", "key", "value")))
            linear(f"{layer}/self_attention/linear_1", f"{block}.attn.out")
            norm(f"{layer}/ffn/layer_norm", f"{block}.mlp_ln")
            linear(f"{layer}/ffn/linear_0", f"{block}.mlp.0")
            linear(f"{layer}/ffn/linear_1", f"{block}.mlp.2")
    for i in range(n_layers["decoder"]):
        attention, block = f"decoder/layer_{i}/attention", f"decoder.blocks.{i}.cross_attn"
        norm(f"{attention}/layer_norm", f"{block}_ln")
        linear(f"{attention}/linear_0", f"{block}.query")
        linear(f"{attention}/linear_1", f"{block}.key", f"{block}.value")
        linear(f"{attention}/linear_2", f"{block}.out")
    return collected.variables


def write_ctranslate2(folder: Path, model: SyntheticModel, dtype: str = "<f2") -> Path:
    """A faster-whisper folder."""
    folder.mkdir(exist_ok=True)
    (folder / "model.bin").write_bytes(ctranslate2(ctranslate2_variables(model, dtype)))
    tokens = [byte_level(token) for token in model.vocabulary]
    (folder / "vocabulary.txt").write_bytes("\n".join([*tokens, "<|endoftext|>", ""]).encode())
    return folder


def openai_dims(model: SyntheticModel) -> dict[str, int]:
    return asdict(model.dims)
