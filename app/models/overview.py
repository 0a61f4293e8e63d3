"""Everything a list of models shows, put together once for the command line and the window."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

from app.models.benchmark import Benchmark, last_benchmark
from app.models.catalogue import Catalogue, CatalogueModel, load_catalogue
from app.models.errors import SettingsError
from app.models.estimate import Recommendation, cpu_memory, gpu_memory, real_time_factor, recommend
from app.models.hash_cache import HashCache
from app.models.library import find_installed
from app.models.on_disk import YOURS, FoundModel, Root, find_models, usual_roots, verification
from app.models.part_file import PART
from app.models.settings import SharedSettings
from app.paths import default_model, is_folder, models_dir
from gpu.cancel import CancelToken
from gpu.errors import reason
from gpu.types import Words

State = Literal["available", "begun", "downloaded", "built in"]


@dataclass(frozen=True)
class ListedModel:
    """A model of the catalogue, on this machine.

    Attributes:
        state: "begun": a part of it has arrived, `n_bytes_there` of them.
        cpu_bytes, gpu_bytes: memory a transcription needs, estimated.
        real_time_factor: expected; None as long as none was measured.
        urls: where it can be fetched, the first one first.
        path: of its file, when it is there whole.
    """

    model: CatalogueModel
    state: State
    n_bytes_there: int
    cpu_bytes: int
    gpu_bytes: int
    real_time_factor: float | None
    urls: tuple[str, ...]
    path: Path | None = None


@dataclass(frozen=True)
class OnDisk:
    """A model on this disk, and whether it is a published one ("verified", "unpublished", "not checked")."""

    model: FoundModel
    verification: str


@dataclass(frozen=True)
class Overview:
    """`notes`: what could not be looked into, one line each. `free_bytes`: of memory, now."""

    listed: tuple[ListedModel, ...]
    on_disk: tuple[OnDisk, ...]
    notes: tuple[Words, ...]
    benchmark: Benchmark | None
    recommendation: Recommendation | None
    free_bytes: int

    def as_json(self) -> dict[str, Any]:
        """Plain values; bytes, seconds, paths as text."""
        return {
            "catalogue": [_listed_json(row) for row in self.listed],
            "on_disk": [
                {name: str(value) if isinstance(value, Path) else value for name, value in vars(row.model).items()}
                | {"usable": row.model.is_usable, "verification": row.verification}
                for row in self.on_disk
            ],
            "notes": list(self.notes),
            "benchmark": asdict(self.benchmark) if self.benchmark else None,
            "recommended": self.recommendation.model.name if self.recommendation else None,
        }


def overview(
    folders: Sequence[Path] = (),
    *,
    verify: bool = False,
    catalogue: Catalogue | None = None,
    token: CancelToken | None = None,
) -> Overview:
    """Look at catalogue, disk, memory and the last benchmark.

    Args:
        folders: looked into besides the usual places and the folders of the settings.
        verify: hash the files whose hash is not known yet (reads them all); otherwise nothing is hashed.

    Raises:
        CatalogueError: the catalogue cannot be read.
        Cancelled: the token was set.
    """
    catalogue = catalogue or load_catalogue()
    token = token or CancelToken()
    benchmark = last_benchmark()
    own, notes = _own_folders(folders)
    findings = find_models([*usual_roots(), *own], token)
    notes += findings.notes
    free = psutil.virtual_memory().available
    hashes, on_disk = HashCache(), []
    for model in findings.models:
        try:
            on_disk.append(OnDisk(model, verification(model, catalogue, hashes, token if verify else None)))
        except OSError as e:
            notes.append(Words("{path} cannot be read: {cause}.", path=model.weights, cause=reason(e)))
    return Overview(
        tuple(_listed(model, catalogue, benchmark) for model in catalogue.models),
        tuple(on_disk),
        tuple(notes),
        benchmark,
        recommend(catalogue, free, benchmark),
        free,
    )


def _own_folders(folders: Iterable[Path]) -> tuple[list[Root], list[Words]]:
    """`folders` and those of the settings, each once; and what is wrong with them."""
    notes = []
    try:
        folders = [*SharedSettings.load().folders, *folders]
    except SettingsError as e:
        notes.append(e.message)
    roots = []
    for folder in dict.fromkeys(folder.absolute() for folder in folders):
        if is_folder(folder):
            roots.append(Root(folder, YOURS))
        else:
            notes.append(Words("{path} is not there, or is no folder.", path=folder))
    return roots, notes


def _listed(model: CatalogueModel, catalogue: Catalogue, benchmark: Benchmark | None) -> ListedModel:
    state, there, path = _state(model, catalogue)
    speed = real_time_factor(model, benchmark, catalogue) if benchmark else None
    urls = catalogue.remote_file(model).urls
    return ListedModel(model, state, there, cpu_memory(model), gpu_memory(model), speed, urls, path)


def _state(model: CatalogueModel, catalogue: Catalogue) -> tuple[State, int, Path | None]:
    """Where it stands, how many of its bytes are there, and its file. A folder that may not be read has none."""
    folder = models_dir()
    try:
        if path := find_installed(model.name, catalogue, folder):
            return ("built in" if path == default_model() else "downloaded"), path.stat().st_size, path
        part = folder / (model.file + PART)
        return ("begun", part.stat().st_size, None) if part.exists() else ("available", 0, None)
    except OSError:
        return "available", 0, None


def _listed_json(row: ListedModel) -> dict[str, Any]:
    model = row.model
    return {
        "name": model.name,
        "file": model.file,
        "n_bytes": model.n_bytes,
        "sha256": model.sha256,
        "urls": row.urls,
        "parameters": model.architecture.parameters * 1_000_000,
        "quantization": model.quantization,
        "n_languages": model.n_languages,
        "can_translate": model.can_translate,
        "state": row.state,
        "n_bytes_there": row.n_bytes_there,
        "cpu_memory_bytes": row.cpu_bytes,
        "gpu_memory_bytes": row.gpu_bytes,
        "real_time_factor": row.real_time_factor,
    }
