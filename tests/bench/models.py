"""Model files for the comparison; what does not come with the program, the program makes out of others' weights."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import peers
from tests.bench.runs import OURS
from tests.support.corpus import ROOT
from tests.support.requantize import K_FORMATS, requantize

OURS_BEAM = f"{OURS}, beam 5"
OTHER_TYPES = ("F16", "Q8_0", "Q5_0", "Q4_1", "Q4_0", *reversed(K_FORMATS))  # than the shipped Q5_1


@dataclass(frozen=True)
class Model:
    """Weights: a ggml file for us and whisper.cpp; the same in CTranslate2 for faster-whisper, if there are any."""

    name: str
    ggml: Path
    ctranslate2: Path | None = None

    @property
    def engines(self) -> tuple[str, ...]:
        return (OURS, OURS_BEAM, *(peers.NAMES if self.ctranslate2 else peers.NAMES[:1]))

    def weights(self, peer: str) -> Path | None:
        return self.ggml if peer == peers.WHISPER_CPP else self.ctranslate2


def given(text: str) -> Model:
    """GGML or GGML=CTRANSLATE2."""
    ggml, _, ctranslate2 = text.partition("=")
    path = Path(ggml).resolve()  # the command runs in another folder
    return Model(path.stem.removeprefix("ggml-"), path, Path(ctranslate2).resolve() if ctranslate2 else None)


def imported(name: str, text: str, folder: Path) -> Model:
    """SOURCE or SOURCE=CTRANSLATE2: anything that `models import` reads, as F16 in `folder`. A CTranslate2 folder is
    faster-whisper's weights too."""
    source, _, ctranslate2 = text.partition("=")
    if not ctranslate2 and (Path(source) / "model.bin").is_file():
        ctranslate2 = source
    output = folder / f"ggml-{name}.bin"
    _models("import", Path(source).resolve(), output)
    return Model(f"{name} F16", output, Path(ctranslate2).resolve() if ctranslate2 else None)


def base_types(names: Sequence[str], environment: peers.Peers, folder: Path) -> list[Model]:
    """Whisper base in types of `OTHER_TYPES`, all from faster-whisper's F16 weights: quantizing what is quantized
    already would lose more."""
    if not names:
        return []
    f16 = imported("base", str(environment.ctranslate2_model), folder).ggml
    return [Model(f"base {name}", _quantized(f16, name, folder)) for name in names]


def _quantized(f16: Path, name: str, folder: Path) -> Path:
    output = folder / f"ggml-base-{name.lower()}.bin"
    if name == "F16":
        return f16
    if name in K_FORMATS:  # which the program reads, but does not write
        return requantize(output, name, f16)
    _models("quantize", f16, output, name.lower())
    return output


def _models(*command: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "app", "models", *map(str, command), "--quiet"], cwd=ROOT, check=True)
