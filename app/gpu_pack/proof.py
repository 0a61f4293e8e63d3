"""Which GPUs have passed this version's self-test: only those are used without being asked for."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from app import __version__
from app.paths import gpu_dir

_log = logging.getLogger(__name__)


def proof_file() -> Path:
    return gpu_dir() / "self-test.json"


def has_passed(gpu: str, total_memory: int, path: Path | None = None) -> bool:
    """Whether a GPU has passed. It is known by its name and memory."""
    return _key(gpu, total_memory) in _load(path or proof_file())


def remember(gpu: str, total_memory: int, passed: bool, path: Path | None = None) -> None:
    """Keep how the self-test ended; a failure takes an earlier success back."""
    path = path or proof_file()
    known = _load(path) - {_key(gpu, total_memory)} | ({_key(gpu, total_memory)} if passed else set())
    draft = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(sorted(known), indent=1), encoding="utf-8")
        draft.replace(path)
    except OSError as e:  # then it is tested again
        _log.warning("the self-test's outcome is not kept: %s", e)


def _key(gpu: str, total_memory: int) -> str:
    return f"{__version__}: {gpu}, {total_memory}"


def _load(path: Path) -> set[str]:
    try:
        return {str(key) for key in json.loads(path.read_text(encoding="utf-8"))}
    except (OSError, ValueError, TypeError):
        return set()
