"""The commands `models list`, `models download` and `models remove`, done."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from app.commands import run_command, show_download
from app.console import Console
from gpu.cancel import CancelToken
from gpu.errors import Cancelled

if TYPE_CHECKING:
    from app.models.download import Download
    from app.models.overview import ListedModel, Overview

_WIDTH = 100  # as wide as the table


def list_models(folders: Sequence[Path], *, verify: bool, as_json: bool) -> int:
    """Show the catalogue and the models on this disk, in `folders` too; the exit code. `verify` hashes the files."""
    from app.models.overview import overview

    def run(console: Console, token: CancelToken) -> int:
        seen = overview(folders, verify=verify, token=token)
        if as_json:
            console.text(json.dumps(seen.as_json(), indent=1))
        else:
            for line in _lines(seen):
                console.text(line)
        for note in seen.notes:
            console.warning("", note)
        return 0

    return run_command("models list", run)


def _lines(seen: Overview) -> Iterator[str]:
    """The overview as tables."""
    yield f"{'published':24}{'MB':>6}{'memory: CPU':>13}{'GPU*':>8}  {'languages':11}{'speed':>7}  here"
    for row in seen.listed:
        model = row.model
        languages = f"{model.n_languages}{' > en' if model.can_translate else ''}" if model.n_languages > 1 else "en"
        speed = "-" if row.real_time_factor is None else f"{row.real_time_factor:.2f}"
        yield (
            f"{model.name:24}{_mb(model.n_bytes):>6}{_mb(row.cpu_bytes):>13}{_mb(row.gpu_bytes):>8}"
            f"  {languages:11}{speed:>7}  {_state(row)}"
        ).rstrip()
    yield "  memory in MB, estimated (*nothing measured on a GPU yet); > en: also translates into English"
    yield f"  speed: seconds of processing a second of audio, {_speed_source(seen)}"
    if seen.recommendation is not None:
        best = f"for this machine: {seen.recommendation.model.name}. {seen.recommendation.reason}"
        yield from wrap(best, _WIDTH, initial_indent="  ", subsequent_indent="    ")
    yield ""
    yield "on this disk"
    for found in seen.on_disk:
        file = found.model
        kind = " ".join(filter(None, (file.kind, file.size, file.quantization)))
        how = file.problem or ("" if file.is_usable else "to be imported")
        yield f"  {file.path}"
        yield "    " + ", ".join(filter(None, (kind, f"{_mb(file.n_bytes)} MB", file.origin, found.verification, how)))


def _speed_source(seen: Overview) -> str:
    run = seen.benchmark
    if run is None:
        return "not measured yet: the command bench measures it"
    return f"from {run.size} {run.quantization} at {run.real_time_factor:.2f} on {run.device_name}"


def _state(row: ListedModel) -> str:
    if row.state == "begun":
        return f"{row.n_bytes_there / row.model.n_bytes:.0%} arrived"
    return "" if row.state == "available" else row.state


def download(name: str, output: Path | None, network_options: Mapping[str, Any], *, quiet: bool) -> int:
    """Fetch the catalogue's model `name` into the folder `output`, or the program's own; the exit code.

    Args:
        network_options: fields of `NetworkSettings` that hold for this run instead of the settings.
    """
    from app.models.catalogue import load_catalogue
    from app.models.download import Download
    from app.models.network import Network
    from app.models.settings import SharedSettings
    from app.paths import models_dir

    def run(console: Console, token: CancelToken) -> int:
        catalogue = load_catalogue()
        network = Network(lambda: replace(SharedSettings.load().network, **network_options))
        file = catalogue.remote_file(catalogue.find(name), network.settings().mirror)
        _Fetching(Download(file, output or models_dir(), token, network), console).run()
        return 0

    return run_command(name, run, quiet=quiet)


class _Fetching:
    """Shows a download."""

    def __init__(self, download: Download, console: Console) -> None:
        self._download = download
        self._console = console
        self._n_bytes = 0

    def run(self) -> None:
        """Raises what `Download.run` raises."""
        from app.models.download import Finished, Progress, Resumed
        from app.models.hash_cache import fetched

        total = self._download.file.n_bytes
        self._console.begin_download(self._download.file.name, total)
        try:
            for event in fetched(self._download):
                match event:
                    case Resumed(n_bytes):
                        self._n_bytes = n_bytes
                        self._console.note(f"{_mb(n_bytes)} of {_mb(total)} MB are there already")
                    case Progress(n_bytes, _):
                        self._n_bytes = n_bytes
                    case Finished(path, was_there):
                        self._finish(path, was_there)
                show_download(self._console, event)
        except Cancelled:
            self._console.end_progress()
            if self._n_bytes:
                self._console.note(
                    f"{_mb(self._n_bytes)} of {_mb(total)} MB are kept; the same command goes on from there"
                )
            raise
        finally:
            self._console.end_progress()

    def _finish(self, path: Path, was_there: bool) -> None:
        self._console.end_progress()
        there = "was there already, " if was_there else ""
        self._console.note(f"{there}{_mb(self._download.file.n_bytes)} MB, SHA-256 as published")
        self._console.text(str(path))


def remove(name: str) -> int:
    """Delete a model from the program's own folder; the exit code."""
    from app.models.catalogue import load_catalogue
    from app.models.library import remove as remove_files

    def run(console: Console, _token: CancelToken) -> int:
        for path in remove_files(name, load_catalogue()):
            console.text(f"deleted {path}")
        return 0

    return run_command(name, run)


def _mb(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:.0f}"
