"""Where speech with references lies: the clips of the repository, and the larger corpus that is never committed."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FREE_AUDIO = ROOT / "tests" / "data" / "audio"
CORPUS_VARIABLE = "WHISPERDESKTOP_CORPUS"


@dataclass(frozen=True)
class Clip:
    """One recording of a manifest: `name` is its path inside the folder, `reference` its text ("" for none)."""

    path: Path
    name: str
    language: str
    seconds: float
    reference: str


def read_manifest(folder: Path) -> list[Clip]:
    """The clips of a folder's manifest.tsv, in its order."""
    with (folder / "manifest.tsv").open(encoding="utf-8", newline="") as file:
        return [
            Clip(folder / row["file"], row["file"], row["language"], float(row["seconds"]), row["reference"])
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        ]


def corpus_folder() -> Path:
    """$WHISPERDESKTOP_CORPUS, or else the folder beside the checkout; it may not exist."""
    return Path(os.environ.get(CORPUS_VARIABLE) or ROOT.parent / "shared" / "audio" / "reference")


def why_no_corpus() -> str | None:
    """Why what needs the corpus is skipped, in one line; None when the corpus is there."""
    if (corpus_folder() / "manifest.tsv").is_file():
        return None
    return f"skipped, no reference corpus: {corpus_folder()} has no manifest.tsv (set ${CORPUS_VARIABLE})"


@pytest.fixture(scope="session")
def corpus() -> dict[str, Clip]:
    """The clips of the reference corpus by name; the test is skipped, with the reason, where there is none."""
    reason = why_no_corpus()
    if reason:
        pytest.skip(reason)
    return {clip.name: clip for clip in read_manifest(corpus_folder())}
