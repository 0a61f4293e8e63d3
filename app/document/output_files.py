"""Where the transcripts of many recordings are written, so that none overwrites another."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from app.document.export import save
from app.document.subtitles import PLAIN, Layout
from app.document.transcript import Transcript


class OutputFiles:
    """Files in one folder, named after their recordings as openai/whisper names them: talk.mp3 becomes talk.srt.

    Args:
        folder: is made if it is not there.
        formats: names out of `export.FORMATS`; may be none.
        recordings: all that will be written.
        layout: of subtitles.

    Attributes:
        renamed: the recordings whose files could not have that name, because it was taken by another one.

    Raises:
        OSError: the folder cannot be made or written; `filename` is the folder.
    """

    def __init__(
        self, folder: Path, formats: Sequence[str], recordings: Iterable[Path], layout: Layout = PLAIN
    ) -> None:
        self._layout = layout
        self.formats = tuple(formats)
        self.renamed: list[Path] = []
        self._folder = folder
        self._paths: dict[Path, list[Path]] = {}
        if formats:
            self._prove_writable()
            self._choose_names(list(recordings))

    def paths(self, recording: Path) -> list[Path]:
        """The files of a recording, one for each format."""
        return self._paths.get(recording, [])

    def save(self, transcript: Transcript) -> list[Path]:
        """Write all files of a transcript; which. Raises `OSError` where one cannot be written."""
        paths = self.paths(transcript.path)
        for path, format_name in zip(paths, self.formats, strict=True) if paths else ():
            save(transcript, path, format_name, self._layout)
        return paths

    def _prove_writable(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=self._folder).close()
        except OSError as e:
            e.filename = str(self._folder)
            raise

    def _choose_names(self, recordings: list[Path]) -> None:
        taken = {_key(recording) for recording in recordings}  # a recording may be named like an output: talk.txt
        for recording in recordings:
            for name in _names(recording):
                paths = [self._folder / f"{name}.{format_name}" for format_name in self.formats]
                if taken.isdisjoint(map(_key, paths)):
                    break
            if name != recording.stem:
                self.renamed.append(recording)
            taken.update(map(_key, paths))
            self._paths[recording] = paths


def _names(recording: Path) -> Iterator[str]:
    """talk, talk.mp3, talk.mp3-2, talk.mp3-3, ..."""
    yield recording.stem
    yield recording.name
    n = 2
    while True:
        yield f"{recording.name}-{n}"
        n += 1


def _key(path: Path) -> str:
    """The same for paths that some file system takes for the same file."""
    return str(path.resolve()).casefold()
