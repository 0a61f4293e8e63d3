"""The program's values as what SQLite holds: JSON that other versions can read, and paths that are no text."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from gpu.types import MemoryUsage, RunStats, Segment, TranscribeOptions, Word, Words

_ENCODER = msgspec.json.Encoder()
_SEGMENT = msgspec.json.Decoder(Segment)


def path_to_blob(path: Path) -> bytes:
    """Names of files may be no text in any encoding."""
    return os.fsencode(path)


def path_from_blob(blob: bytes) -> Path:
    return Path(os.fsdecode(blob))


@lru_cache(maxsize=64)  # many recordings are often given the same
def options_to_json(options: TranscribeOptions) -> str:
    """Only what differs from the defaults: another version has its own."""
    standard = TranscribeOptions()
    values = {name: value for name, value in vars(options).items() if value != getattr(standard, name)}
    return json.dumps(values)


def options_from_json(text: str) -> TranscribeOptions:
    """What another version had and this one lacks is left out."""
    return TranscribeOptions(**_known(TranscribeOptions, json.loads(text)))


def segment_to_json(segment: Segment) -> str:
    return _ENCODER.encode(segment).decode()


def segment_from_json(text: str) -> Segment:
    """Quick: a text of hours with all its words is there in half a second."""
    try:
        return _SEGMENT.decode(text)
    except msgspec.MsgspecError:  # what another version had may still be read
        values = _known(Segment, json.loads(text))
    if (words := values.get("words")) is not None:
        values["words"] = tuple(Word(**_known(Word, word)) for word in words)
    return Segment(**values)


def stats_to_json(stats: RunStats) -> str:
    return json.dumps(asdict(stats))


def stats_from_json(text: str) -> RunStats:
    values = _known(RunStats, json.loads(text))
    values["memory"] = MemoryUsage(**_known(MemoryUsage, values["memory"]))
    return RunStats(**values)


def words_to_json(words: Words) -> str:
    return json.dumps(_words(words), ensure_ascii=False)


def words_from_json(text: str) -> Words:
    return _words_of(json.loads(text))


def _words(words: Words) -> dict[str, Any]:
    values = {name: _words(value) if isinstance(value, Words) else value for name, value in words.values.items()}
    return {"template": words.template, "values": values}


def _words_of(parts: Mapping[str, Any]) -> Words:
    values = {
        name: _words_of(value) if isinstance(value, Mapping) else value for name, value in parts["values"].items()
    }
    return Words.from_parts(parts["template"], values)


def _known(kind: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """What the dataclass has of these; lists become tuples."""
    names = {field.name for field in fields(kind)}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items() if name in names}
