"""The published models the program knows: what they are, where, and how to tell that one is genuine."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from app.models.errors import CatalogueError, UnknownModelError
from app.models.part_file import RemoteFile
from app.paths import catalogue_file
from gpu.types import Words

_N_LANGUAGES = {80: 99, 128: 100}  # by mel bins: large-v3 came with another language
_N_VOCAB = {80: 51865, 128: 51866}
_N_VOCAB_ENGLISH = 51864


@dataclass(frozen=True)
class Architecture:
    """The shape of a Whisper model, as far as memory and speed depend on it; names as in openai/whisper.

    Attributes:
        name: as `gpu` names the size of a file: "base", "large-v3-turbo", "distil-small".
        parameters: in millions, as published.
    """

    name: str
    n_state: int
    n_head: int
    n_audio_layer: int
    n_text_layer: int
    n_mels: int
    parameters: int


@dataclass(frozen=True)
class CatalogueModel:
    """One published file.

    Attributes:
        name: what users type: "small.en-q5_1".
        quantization: the ggml type of most weights, "Q5_1".
        file: the name on this disk; repository, revision, path: where Hugging Face has it.
        n_bytes, sha256: of the file, as Hugging Face publishes them.
    """

    name: str
    architecture: Architecture
    quantization: str
    file: str
    repository: str
    revision: str
    path: str
    n_bytes: int
    sha256: str

    @property
    def english_only(self) -> bool:
        """Also the distilled ones, which were taught English only."""
        return ".en" in self.name or self.name.startswith("distil-")

    @property
    def n_languages(self) -> int:
        return 1 if self.english_only else _N_LANGUAGES[self.architecture.n_mels]

    @property
    def can_translate(self) -> bool:
        """Into English. large-v3-turbo was not taught it."""
        return not self.english_only and "turbo" not in self.name

    @property
    def n_vocab(self) -> int:
        return _N_VOCAB_ENGLISH if ".en" in self.name else _N_VOCAB[self.architecture.n_mels]


@dataclass(frozen=True)
class Catalogue:
    """All of them, small ones first, and the hashes of other published model files (`known`: origin by SHA-256)."""

    models: tuple[CatalogueModel, ...]
    mirrors: tuple[str, ...]
    known: dict[str, str]

    def find(self, name: str) -> CatalogueModel:
        """The model of this name; file names ("ggml-base.bin") and capitals are understood too.

        Raises:
            UnknownModelError: there is none.
        """
        wanted = name.lower().removeprefix("ggml-").removesuffix(".bin")
        for model in self.models:
            if wanted in (model.name, model.file.lower()):
                return model
        similar = get_close_matches(wanted, [model.name for model in self.models], n=3)
        raise UnknownModelError(
            Words("There is no published model named {name}.", name=repr(name)),
            remedy=Words("Did you mean {name}?", name=", ".join(similar))
            if similar
            else Words("The list of models says what they are called."),
        )

    def remote_file(self, model: CatalogueModel, mirror: str = "") -> RemoteFile:
        """Where to fetch it; first from the user's `mirror`, else HF_ENDPOINT (as Hugging Face's tools have it)."""
        own = mirror or os.environ.get("HF_ENDPOINT", "")
        mirrors = dict.fromkeys(mirror.rstrip("/") for mirror in (own, *self.mirrors) if mirror)
        urls = (f"{mirror}/{model.repository}/resolve/{model.revision}/{model.path}" for mirror in mirrors)
        return RemoteFile(model.file, tuple(urls), model.n_bytes, model.sha256)


def load_catalogue(path: Path | None = None) -> Catalogue:
    """Read the catalogue that comes with the program, or another one of the same form.

    Raises:
        CatalogueError: it cannot be read.
    """
    path = path or catalogue_file()
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        architectures = {name: Architecture(name, **shape) for name, shape in fields["architectures"].items()}
        models = tuple(_models(fields["models"], architectures, fields["revisions"]))
        known = {model.sha256: model.repository for model in models}
        known |= {other["sha256"]: other["origin"] for other in fields["also_published"]}
        return Catalogue(models, tuple(fields["mirrors"]), known)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as e:
        raise CatalogueError(
            Words(
                "The catalogue of models {path} cannot be read: {cause}.", path=path, cause=f"{type(e).__name__}: {e}"
            ),
            remedy=Words("Install the program again."),
        ) from e


def _models(
    rows: Iterable[dict[str, Any]], architectures: dict[str, Architecture], revisions: dict[str, str]
) -> Iterable[CatalogueModel]:
    for row in rows:
        yield CatalogueModel(
            **row | {"architecture": architectures[row["architecture"]], "revision": revisions[row["repository"]]}
        )
