"""Which container a file is, by its first bytes; and what else people take for a Whisper model."""

from __future__ import annotations

import re
from typing import Literal

from gpu.errors import UnknownModelFormatError
from gpu.model_file import ggml, gguf
from gpu.model_file.quants import Bytes
from gpu.types import Words

CHOOSE = Words("Choose a Whisper model in ggml (.bin) or GGUF form.")
_IMPORT = Words("Make a ggml or GGUF file of it first, with the command models import.")
_DOWNLOAD = Words("Download the model again, from a link that leads to the file itself.")

# (pattern at the start of the file, what it looks like, remedy); the first that matches.
_LOOKALIKES = [
    (rb"ggml", Words("a ggml model for big-endian machines"), CHOOSE),
    (rb"[tf]mgg|tjgg|algg", Words("a model of an early llama.cpp"), CHOOSE),
    (
        rb"version https://git-lfs",
        Words("a Git LFS pointer, which stands for a file that was not downloaded"),
        _DOWNLOAD,
    ),
    (rb"\s*<(!doctype|html|head|\?xml|!--)", Words("a web page, perhaps from a failed download"), _DOWNLOAD),
    (rb".{8}\{\s*\"", Words("a safetensors file"), _IMPORT),
    (rb"\s*[{\[]", Words("JSON text, perhaps the message of a failed download"), _DOWNLOAD),
    (rb"PK\x03\x04.{0,200}data\.pkl", Words("a PyTorch checkpoint"), _IMPORT),
    (rb"PK[\x03\x05]", Words("a zip archive"), Words("Unpack the archive and choose the model in it.")),
    (
        rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf|\x28\xb5\x2f\xfd",
        Words("a compressed archive"),
        Words("Unpack it and choose the model."),
    ),
    (rb"\x80[\x02-\x05]", Words("a pickle, as PyTorch wrote checkpoints before version 1.6"), CHOOSE),
    (rb"[\x01-\x20]\0\0\0.\0\w*Spec\0", Words("a CTranslate2 model (faster-whisper)"), _IMPORT),
    (rb"\x08[\x01-\x20][\x12\x1a\x22\x3a\x42]", Words("an ONNX model"), CHOOSE),
    (rb"....TFL3", Words("a TensorFlow Lite model"), CHOOSE),
    (rb"RIFF|ID3|fLaC|OggS|\xff[\xfb\xf3\xf2]|....ftyp|\x1aE\xdf\xa3", Words("a recording"), CHOOSE),
    (rb"\0{64}", Words("an unfinished download, since it begins with zeros"), _DOWNLOAD),
]


def container_of(data: Bytes) -> Literal["ggml", "gguf"]:
    """Tell the container of a file's bytes, (n,) uint8, or raise `UnknownModelFormatError`, which says what it is."""
    start = data[:512].tobytes()
    if start.startswith(ggml.MAGIC):
        return "ggml"
    if start.startswith(gguf.MAGIC):
        return "gguf"
    for pattern, description, remedy in _LOOKALIKES:
        if re.match(pattern, start, re.DOTALL | re.IGNORECASE):
            raise UnknownModelFormatError(
                Words("The file is {kind}, not a ggml or GGUF model.", kind=description), remedy=remedy
            )
    raise UnknownModelFormatError(
        Words(
            "The file is not a ggml or GGUF model: it begins with the bytes {got}, expected {ggml} or {gguf}.",
            got=start[:4].hex(" "),
            ggml=ggml.MAGIC.hex(" "),
            gguf=gguf.MAGIC.hex(" "),
        ),
        remedy=CHOOSE,
    )
