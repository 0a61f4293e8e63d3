"""Sound written down while it is heard: a FLAC file that can be read at any moment, also after a kill."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import soundfile

from app.capture.errors import CaptureError
from app.capture.stream import RATE, Floats
from gpu.types import Words

KEPT_EVERY = RATE // 4  # samples: FLAC writes in blocks, of which the last is lost with the program


class Recorder:
    """A context manager.

    Raises:
        CaptureError: the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = soundfile.SoundFile(path, "w", RATE, 1, format="FLAC", subtype="PCM_16")
        except (OSError, soundfile.LibsndfileError) as e:
            raise self._failed(e) from e
        self._n_waiting = 0

    def write(self, block: Floats) -> None:
        """(n,) float32, what comes next.

        Raises:
            CaptureError: the disk is full.
        """
        try:
            self._file.write(block)
            self._n_waiting += len(block)
            if self._n_waiting >= KEPT_EVERY:
                self._file.flush()
                self._n_waiting = 0
        except (OSError, soundfile.LibsndfileError) as e:
            raise self._failed(e) from e

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _failed(self, error: Exception) -> CaptureError:
        return CaptureError(
            Words("{path} cannot be written: {reason}.", path=self._path, reason=str(error).rstrip(".")),
            remedy=Words("Choose another folder, or make room on the disk."),
        )
