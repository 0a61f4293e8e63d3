"""The text tokens of a model, as bytes, from what GGUF files and Hugging Face's tokenizers say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gpu.model_file.architecture import N_TEXT_TOKENS, check_vocabulary
from gpu.model_file.byte_reader import damaged, shown
from gpu.model_file.gguf import TOKENS_KEY, GgufContents
from gpu.model_file.model import ModelDimensions
from gpu.model_file.side_files import read_json
from gpu.types import Words


def read_vocabulary(gguf: GgufContents, folder: Path, dims: ModelDimensions) -> list[bytes]:
    tokens = gguf.metadata.get(TOKENS_KEY)
    if isinstance(tokens, list):
        texts = [_decode_utf8(token) for token in tokens[:N_TEXT_TOKENS]]
    else:
        texts = tokens_of_json(read_json(folder / "tokenizer.json", Words("its vocabulary")))
    return check_vocabulary(bytes_of_tokens(texts), dims)


def bytes_of_tokens(texts: Iterable[str]) -> list[bytes]:
    """The bytes of tokens as GPT-2's tokenizer files write them, or `DamagedModelError`."""
    return [_bytes_of_token(text) for text in texts]


def _decode_utf8(token: bytes) -> str:
    try:
        return token.decode("utf-8")
    except UnicodeDecodeError as e:
        raise damaged(Words("the vocabulary's token {token} is not UTF-8 text", token=repr(token[:20]))) from e


# GPT-2 writes the bytes of a token as printable characters: a byte that is one stands for itself, the others are
# numbered from 256 on, in order. Our inverse: character -> byte.
_PRINTABLE = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
_OTHERS = [byte for byte in range(256) if byte not in _PRINTABLE]
_BYTE_OF_CHARACTER = {chr(byte): byte for byte in _PRINTABLE} | {chr(256 + i): byte for i, byte in enumerate(_OTHERS)}


def _bytes_of_token(text: str) -> bytes:
    try:
        return bytes([_BYTE_OF_CHARACTER[character] for character in text])
    except KeyError as e:
        cause = Words("the vocabulary's token {token} is not in GPT-2's byte-level encoding", token=shown(text))
        raise damaged(cause) from e


_CHARACTER_OF_BYTE = {byte: character for character, byte in _BYTE_OF_CHARACTER.items()}


def text_of_token(token: bytes) -> str:
    """A token's bytes as GPT-2's tokenizer files, and GGUF, write them."""
    return "".join(_CHARACTER_OF_BYTE[byte] for byte in token)


def tokens_of_json(tokenizer: Mapping[str, Any]) -> list[str]:
    """The text tokens of Hugging Face's tokenizer.json, in the order of their ids."""
    try:
        ids: dict[str, int] = dict(tokenizer["model"]["vocab"])
        ids |= {str(added["content"]): added["id"] for added in tokenizer.get("added_tokens", [])}
        by_id = {id_: token for token, id_ in ids.items() if id_ < N_TEXT_TOKENS}
        return [by_id[i] for i in range(len(by_id))]
    except (KeyError, TypeError, ValueError, AttributeError) as e:
        raise damaged(Words("tokenizer.json beside it is not a byte-level BPE tokenizer")) from e
