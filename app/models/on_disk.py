"""Models that are on this disk already: our own, and those other programs have fetched."""

from __future__ import annotations

import json
import os
import re
import struct
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from app.engine.model_facts import model_facts
from app.models.catalogue import Catalogue
from app.models.hash_cache import HashCache
from app.paths import models_dir, resources_dir
from gpu.cancel import CancelToken
from gpu.errors import reason
from gpu.types import Words

OURS = "WhisperDesktop NG"
BUILT_IN = Words("built in")
YOURS = Words("your folder")

_SMALLEST = 1 << 20  # bytes; nothing below is a model
_DEEPEST = 8  # folders below a root
_OPENAI_NAMES = re.compile(r"(tiny|base|small|medium)(\.en)?|large(-v[123](-turbo)?)?|turbo")
_SIZES = re.compile(r"(distil-)?(large-v3\.5|large-v3-turbo|large-v[123]|large|medium|small|base|tiny|turbo)(\.en)?")
_BLOB = re.compile(r"[0-9a-f]{64}")  # how the Hugging Face cache names content: by its SHA-256


@dataclass(frozen=True)
class Root:
    """A folder to look into.

    Attributes:
        origin: whose it is: the name of a program, which is the same in all languages, or `Words`.
        pattern: which of its entries, where most are somebody else's.
    """

    path: Path
    origin: str
    pattern: str = "*"


@dataclass(frozen=True)
class FoundModel:
    """A Whisper model on this disk.

    Attributes:
        path: the file; for the kinds that are several files, their folder.
        weights: the file with the weights: what a hash is of.
        kind: "ggml", "gguf" (these two can be used as they are), "OpenAI", "safetensors", "CTranslate2".
        size: "base", ... as far as known; quantization: of ggml and gguf.
        origin: whose it is, as of `Root`.
        n_bytes: of all its files.
        problem: why it cannot be used although it looks like a model; else empty.
    """

    path: Path
    weights: Path
    kind: str
    size: str
    quantization: str
    origin: str
    n_bytes: int
    problem: str = ""

    @property
    def is_usable(self) -> bool:
        """As it is; the other kinds are to be imported first."""
        return self.kind in ("ggml", "gguf") and not self.problem


@dataclass
class Findings:
    """What was found, and what could not be looked into (one line each)."""

    models: list[FoundModel] = field(default_factory=list)
    notes: list[Words] = field(default_factory=list)


def usual_roots() -> list[Root]:
    """Where models are on this system, by the conventions of the programs that fetch them."""
    from platformdirs import user_cache_path

    home = Path.home()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")  # what these programs use on every system
    hub = os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME") or cache / "huggingface") / "hub"
    buzz = os.environ.get("BUZZ_MODEL_ROOT") or user_cache_path("Buzz")
    whisper_cpp = [Path("models"), home / "whisper.cpp" / "models", cache / "whisper.cpp", cache / "whisper-cpp"]
    return [
        Root(resources_dir() / "models", BUILT_IN),
        Root(models_dir(), OURS),
        *(Root(path, "whisper.cpp") for path in whisper_cpp),
        Root(cache / "whisper", "OpenAI Whisper"),
        Root(Path(hub), "Hugging Face", "models--*whisper*"),
        Root(Path(buzz), "Buzz"),
    ]


def find_models(roots: Iterable[Root] | None = None, token: CancelToken | None = None) -> Findings:
    """Look for Whisper models. Nothing is hashed and no weights are read.

    Each file counts once, however many ways lead to it. Links to folders are followed, but no folder is entered
    twice, and none deeper than eight below its root.

    Raises:
        Cancelled: the token was set.
    """
    search = _Search(token or CancelToken())
    for root in roots if roots is not None else usual_roots():
        search.look_into(root)
    return search.findings


def published_origin(model: FoundModel, catalogue: Catalogue, sha256: str) -> str | None:
    """Who published a file of this hash, or None. The Hugging Face cache names content by the hub's own hash."""
    if origin := catalogue.known.get(sha256):
        return origin
    blob = model.weights.resolve().name
    return "Hugging Face" if _BLOB.fullmatch(blob) and blob == sha256 else None


def verification(model: FoundModel, catalogue: Catalogue, hashes: HashCache, token: CancelToken | None = None) -> str:
    """ "verified" (a published file), "unpublished", or "not checked" while the hash is not known.

    With a token the file is hashed if need be. Raises `OSError` and `Cancelled`.
    """
    sha256 = hashes.sha256(model.weights, token) if token is not None else hashes.known(model.weights)
    if sha256 is None:
        return "not checked"
    return "verified" if published_origin(model, catalogue, sha256) else "unpublished"


class _Search:
    def __init__(self, token: CancelToken) -> None:
        self.findings = Findings()
        self._token = token
        self._folders: set[tuple[int, int]] = set()  # device and inode
        self._files: set[tuple[int, int]] = set()

    def look_into(self, root: Root) -> None:
        try:
            if not root.path.is_dir():
                return
            paths = sorted(root.path.glob(root.pattern)) if root.pattern != "*" else [root.path]
        except OSError as e:
            self._note(root.path, e)
            return
        for path in paths:
            self._enter(path, root.origin, 0)

    def _enter(self, folder: Path, origin: str, depth: int) -> None:
        self._token.check()
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in self._folders or depth > _DEEPEST:
                return
            self._folders.add((status.st_dev, status.st_ino))
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as e:
            self._note(folder, e)
            return
        names = {entry.name for entry in entries}
        if "config.json" in names and (model := _folder_model(folder, names, origin)):
            self._add(model)
            return
        for entry in entries:
            if entry.name == "blobs" and "snapshots" in names:
                continue  # the same content, under names that say nothing
            try:
                if entry.is_dir():
                    self._enter(Path(entry.path), origin, depth + 1)
                elif entry.is_file() and entry.stat().st_size >= _SMALLEST:
                    self._look_at(Path(entry.path), origin)
            except OSError as e:
                self._note(Path(entry.path), e)

    def _look_at(self, path: Path, origin: str) -> None:
        if path.suffix in (".bin", ".gguf"):
            facts = model_facts(path)
            if facts is not None:
                n_bytes = path.stat().st_size
                self._add(
                    FoundModel(
                        path, path, facts.container, facts.size, facts.quantization, origin, n_bytes, facts.problem
                    )
                )
        elif path.suffix == ".pt" and _is_openai(path):
            self._add(FoundModel(path, path, "OpenAI", _size_in(path.stem), "", origin, path.stat().st_size))

    def _add(self, model: FoundModel) -> None:
        status = model.weights.stat()
        if (status.st_dev, status.st_ino) not in self._files:
            self._files.add((status.st_dev, status.st_ino))
            self.findings.models.append(model)

    def _note(self, path: Path, error: OSError) -> None:
        self.findings.notes.append(Words("{path} cannot be looked into: {cause}.", path=path, cause=reason(error)))


def _folder_model(folder: Path, names: set[str], origin: str) -> FoundModel | None:
    """A folder as Hugging Face and faster-whisper keep models, if it holds a Whisper."""
    repository = _repository(folder)
    size = _size_in(repository.rpartition("/")[2])
    n_bytes = sum((folder / name).stat().st_size for name in names if (folder / name).is_file())
    if "model.bin" in names and _is_ctranslate2(folder / "model.bin"):
        origin = "faster-whisper" if origin == "Hugging Face" else origin
        return FoundModel(folder, folder / "model.bin", "CTranslate2", size, "", origin, n_bytes)
    weights = sorted(name for name in names if name.endswith(".safetensors"))
    if weights and _model_type(folder / "config.json") == "whisper":
        return FoundModel(folder, folder / weights[0], "safetensors", size, "", origin, n_bytes)
    return None


def _repository(folder: Path) -> str:
    """ "Systran/faster-whisper-base" of .../models--Systran--faster-whisper-base/snapshots/REVISION, else its name."""
    if folder.parent.name == "snapshots" and folder.parent.parent.name.startswith("models--"):
        return folder.parent.parent.name.removeprefix("models--").replace("--", "/", 1)
    return folder.name


def _size_in(name: str) -> str:
    found = _SIZES.search(name)
    return found[0] if found else ""


def _is_ctranslate2(path: Path) -> bool:
    """Its files begin with a version and the name of what they hold, ended by a zero byte."""
    with path.open("rb") as file:
        head = file.read(32)
    if len(head) < 32:
        return False
    _version, length = struct.unpack_from("<IH", head)
    return head[6 : 6 + length] == b"WhisperSpec\0"


def _is_openai(path: Path) -> bool:
    """A checkpoint of PyTorch (only the archive's list is read) under one of OpenAI's names."""
    if not _OPENAI_NAMES.fullmatch(path.stem) or not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/data.pkl") for name in archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def _model_type(config: Path) -> str:
    try:
        fields = json.loads(config.read_text(encoding="utf-8"))
    except ValueError:
        return ""
    return str(fields.get("model_type", "")) if isinstance(fields, dict) else ""
