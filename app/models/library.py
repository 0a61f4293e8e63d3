"""The user's own models by name: which are there, which path a name means, and removing one."""

from __future__ import annotations

from pathlib import Path

from app.models.catalogue import Catalogue
from app.models.errors import NotRemovableError, UnknownModelError
from app.models.part_file import PART, discard_part
from app.paths import default_model, is_file, models_dir
from gpu.errors import reason
from gpu.types import Words

SUFFIXES = (".bin", ".gguf")


def installed(folder: Path | None = None) -> list[Path]:
    """The model files in the user's models folder, by name. Raises `OSError` if it may not be read."""
    folder = folder or models_dir()
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and path.is_file())


def find_installed(name: str, catalogue: Catalogue, folder: Path | None = None) -> Path | None:
    """The model file of this name: a catalogue's ("base-q5_1"), a file's with or without "ggml-" and suffix.

    The one that comes with the program counts too, unless the user has fetched another of its name.
    """
    paths = [*installed(folder), default_model()]
    wanted = {name.lower(), *(model.file.lower() for model in catalogue.models if model.name == name.lower())}
    for path in paths:
        if wanted & {path.name.lower(), path.stem.lower(), path.stem.lower().removeprefix("ggml-")}:
            return path
    return None


def model_path(text: str, catalogue: Catalogue, folder: Path | None = None) -> Path:
    """The model file that `text` means: a path, or the name of a model that is on this disk.

    Raises:
        UnknownModelError: a name of none; if the catalogue knows it, the remedy says how to fetch it.
    """
    path = Path(text)
    if is_file(text):
        return path
    if found := find_installed(text, catalogue, folder):
        return found
    if path.suffix in SUFFIXES or len(path.parts) > 1:
        return path  # loading it says what is wrong with it
    model = catalogue.find(text)
    raise UnknownModelError(
        Words("The model {name} is not on this disk.", name=model.name),
        remedy=Words(
            'Fetch it ({n_bytes} MB) with "models download {name}", or in the window.',
            n_bytes=f"{model.n_bytes / 1e6:,.0f}",
            name=model.name,
        ),
    )


def last_or_built_in(last: Path | None) -> tuple[Path, Words | None]:
    """The model to start with, and what to tell the user if it is not the one used last."""
    if last is None or is_file(last):
        return last or default_model(), None
    said = Words("The model used last, {path}, is not there any more; the built-in one is used instead.", path=last)
    return default_model(), said


def remove(name: str, catalogue: Catalogue, folder: Path | None = None) -> list[Path]:
    """Delete a model from the user's models folder, or what has arrived of one; the files that are gone.

    Raises:
        UnknownModelError: there is none of this name.
        NotRemovableError: it came with the program, or the system does not let us.
    """
    folder = folder or models_dir()
    path = find_installed(name, catalogue, folder)
    file_name = path.name if path is not None else _file_name(name, catalogue)
    removed = []
    try:
        if path is not None and path.parent == folder:
            path.unlink()
            removed.append(path)
        if file_name and discard_part(folder, file_name):
            removed.append(folder / (file_name + PART))
    except OSError as e:
        raise NotRemovableError(
            Words("{path} cannot be deleted: {cause}.", path=e.filename or name, cause=reason(e)),
            remedy=Words("Close the programs that use it, and check that you may delete there."),
        ) from e
    if removed:
        return removed
    if path is not None:
        raise NotRemovableError(
            Words("{name} comes with the program.", name=name), remedy=Words("It cannot be removed on its own.")
        )
    raise UnknownModelError(
        Words("There is no model named {name} in {folder}.", name=repr(name), folder=folder),
        remedy=Words("Other folders are their owners': delete it there."),
    )


def _file_name(name: str, catalogue: Catalogue) -> str:
    """Also of a model that was only begun; "" if the catalogue does not know it."""
    return next((model.file for model in catalogue.models if name.lower() in (model.name, model.file.lower())), "")
