"""The commands `models list`, `models download` and `models remove`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.console import Console
from app.log import start_logging
from gpu.cancel import CancelToken
from gpu.errors import Cancelled

if TYPE_CHECKING:
    from app.models.download import Download
    from app.models.overview import ListedModel, Overview

# What these commands are made of is imported where it is used: `--help` needs none of it.


def add_commands(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add `list`, `download` and `remove` to the group `models`."""
    list_ = subparsers.add_parser(
        "list",
        help="published models, and those on this disk",
        description="Show the published models with what they need, and the models that are on this disk already.",
        allow_abbrev=False,
    )
    list_.set_defaults(command=_list, parser=list_)
    list_.add_argument("--json", action="store_true", help="everything as one JSON object")
    list_.add_argument(
        "--verify", action="store_true", help="hash the files on this disk and say which are the published ones"
    )
    list_.add_argument(
        "--folder", dest="folders", type=Path, action="append", default=[], metavar="DIR",
        help="look into this folder too; may be repeated",
    )  # fmt: skip

    download = subparsers.add_parser(
        "download",
        help="fetch a published model",
        description="Fetch a published model and check that it is the published one. Stopped with Ctrl-C (or cut off), "
        "it goes on from there when started again.",
        allow_abbrev=False,
    )
    download.set_defaults(command=_download, parser=download)
    download.add_argument("name", metavar="NAME", help="as in the list: base-q5_1, large-v3-turbo-q5_0, ...")
    download.add_argument("--output", "-o", type=Path, metavar="DIR", help="folder (default: the program's own)")
    download.add_argument("--quiet", "-q", action="store_true", help="no progress: errors only")

    remove = subparsers.add_parser(
        "remove",
        help="delete a downloaded model",
        description="Delete a model from the program's own folder, or what has arrived of one.",
        allow_abbrev=False,
    )
    remove.set_defaults(command=_remove, parser=remove)
    remove.add_argument("name", metavar="NAME", help="as in the list, or the file's name")


def _list(arguments: argparse.Namespace) -> int:
    from app.models.overview import overview

    def run(console: Console, token: CancelToken) -> int:
        seen = overview(arguments.folders, verify=arguments.verify, token=token)
        if arguments.json:
            console.text(json.dumps(seen.as_json(), indent=1))
        else:
            for line in _lines(seen):
                console.text(line)
        for note in seen.notes:
            console.warning("", note)
        return 0

    return _command("models list", run)


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
        yield f"  for this machine: {seen.recommendation.model.name} ({seen.recommendation.reason})"
    yield ""
    yield "on this disk"
    for found in seen.on_disk:
        model_, kind = (
            found.model,
            " ".join(filter(None, (found.model.kind, found.model.size, found.model.quantization))),
        )
        yield f"  {model_.path}"
        how = model_.problem or ("" if model_.is_usable else "to be imported")
        yield "    " + ", ".join(
            filter(None, (kind, f"{_mb(model_.n_bytes)} MB", model_.origin, found.verification, how))
        )


def _speed_source(seen: Overview) -> str:
    run = seen.benchmark
    if run is None:
        return "not measured yet: transcribe a recording of ten seconds or more"
    return f"from {run.size} {run.quantization} at {run.real_time_factor:.2f} on {run.device_name}"


def _state(row: ListedModel) -> str:
    if row.state == "begun":
        return f"{row.n_bytes_there / row.model.n_bytes:.0%} arrived"
    return "" if row.state == "available" else row.state


def _download(arguments: argparse.Namespace) -> int:
    from app.models.catalogue import load_catalogue
    from app.models.download import Download
    from app.models.network import Network
    from app.paths import models_dir

    def run(console: Console, token: CancelToken) -> int:
        catalogue, network = load_catalogue(), Network()
        file = catalogue.remote_file(catalogue.find(arguments.name), network.settings().mirror)
        download = Download(file, arguments.output or models_dir(), token, network)
        _Fetching(download, console).run()
        return 0

    return _command(arguments.name, run, quiet=arguments.quiet)


class _Fetching:
    """Shows a download."""

    def __init__(self, download: Download, console: Console) -> None:
        self._download = download
        self._console = console
        self._n_bytes = 0

    def run(self) -> None:
        """Raises what `Download.run` raises."""
        from app.models.download import Finished, NextMirror, Progress, Resumed, Waiting

        total = self._download.file.n_bytes
        self._console.begin_download(self._download.file.name, total)
        try:
            for event in self._download.run():
                match event:
                    case Resumed(n_bytes):
                        self._n_bytes = n_bytes
                        self._console.note(f"{_mb(n_bytes)} of {_mb(total)} MB are there already")
                    case Progress(n_bytes, _):
                        self._n_bytes = n_bytes
                        self._console.downloaded(n_bytes)
                    case Waiting(cause, seconds):
                        self._console.warning("", f"{cause}; trying again in {seconds:.0f} s")
                    case NextMirror(cause, url):
                        self._console.warning("", f"{cause}; going on with {url}")
                    case Finished(path, was_there):
                        self._finish(path, was_there)
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
        from app.models.hash_cache import HashCache

        self._console.end_progress()
        status = path.stat()
        HashCache().remember(path, self._download.file.sha256, status.st_size, status.st_mtime_ns)
        there = "was there already, " if was_there else ""
        self._console.note(f"{there}{_mb(status.st_size)} MB, SHA-256 as published")
        self._console.text(str(path))


def _remove(arguments: argparse.Namespace) -> int:
    from app.models.catalogue import load_catalogue
    from app.models.library import remove

    def run(console: Console, _token: CancelToken) -> int:
        for path in remove(arguments.name, load_catalogue()):
            console.text(f"deleted {path}")
        return 0

    return _command(arguments.name, run)


def _command(name: str, run: Callable[[Console, CancelToken], int], *, quiet: bool = False) -> int:
    """Do `run`, tell what goes wrong in one line, and give the exit code."""
    from app.models.errors import ModelsError, UnknownModelError
    from app.transcribe_command import (
        EXIT_FAILED,
        EXIT_SIGNAL,
        EXIT_USAGE,
        SIGPIPE,
        cancelling_on_signals,
        on_a_thread,
    )

    start_logging()
    console, token = Console(quiet=quiet), CancelToken()
    code = EXIT_FAILED
    with cancelling_on_signals(token) as received:
        try:
            [code] = on_a_thread(_once(run, console, token))  # signals reach this one whatever the work waits for
        except ModelsError as e:
            console.error(name, str(e), e.remedy)
            code = EXIT_USAGE if isinstance(e, UnknownModelError) else EXIT_FAILED
        except Cancelled:
            pass  # said where it was noticed
        except BrokenPipeError:  # `models list | head`
            code = EXIT_SIGNAL + SIGPIPE
    return EXIT_SIGNAL + received[0] if received else code


def _once(run: Callable[[Console, CancelToken], int], console: Console, token: CancelToken) -> Iterator[int]:
    yield run(console, token)


def _mb(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:.0f}"
