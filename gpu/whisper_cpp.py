"""whisper.cpp beside us, for the self-test's comparison of speed, where its Python binding happens to be installed.

It runs in a process of its own: its native code prints what it likes, brings another ggml, and may end as it likes.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gpu.audio import load_audio
from gpu.cancel import CancelToken
from gpu.types import Words

_BINDING = "pywhispercpp"
_GGML = b"lmgg"  # the first bytes of a ggml model file
_PATIENCE_S = 20  # for the end of a process that was asked to end


class WhisperCppError(Exception):
    """It did not do what it was asked for. Attributes: cause, as the detail of a check."""

    def __init__(self, cause: Words) -> None:
        super().__init__(cause)
        self.cause = cause


def why_not_compared(model: Path) -> Words | None:
    """What keeps whisper.cpp from transcribing with this model file here; None: nothing is known."""
    if getattr(sys, "frozen", False) or importlib.util.find_spec(_BINDING) is None:
        return Words("whisper.cpp is not installed: not compared")
    with model.open("rb") as file:
        is_ggml = file.read(len(_GGML)) == _GGML
    return None if is_ggml else Words("whisper.cpp reads only ggml's .bin files: not compared")


class WhisperCpp:
    """A loaded model; a context manager that ends its process.

    Args:
        model: a ggml file.
        cancel: ends the process at once.

    Raises:
        WhisperCppError: as `transcribe`.

    Attributes:
        version: of the binding, and what it was built for.
    """

    def __init__(self, model: Path, n_threads: int, cancel: CancelToken) -> None:
        self._cancel = cancel
        path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(Path(__file__).parents[1])]))
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "gpu.whisper_cpp", str(model), str(n_threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            env=os.environ | {"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        try:
            self.version = str(self._answer()["version"])
        except BaseException:
            self._end()
            raise

    def transcribe(self, recording: Path, language: str) -> tuple[float, str]:
        """Seconds from the file to the text, and the text.

        Raises:
            WhisperCppError: it ended, or says what is wrong.
            Cancelled: the token was set.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"recording": str(recording), "language": language}) + "\n")
            self._process.stdin.flush()
        except OSError:
            raise self._ended() from None
        answer = self._answer()
        return float(answer["seconds"]), str(answer["text"])

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        with self._cancel.interrupting(self._process.kill):
            line = self._process.stdout.readline()
        self._cancel.check()
        if not line:
            raise self._ended()
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            cause = Words("whisper.cpp: {cause}", cause=answer["error"])
            raise WhisperCppError(cause)
        return answer

    def _ended(self) -> WhisperCppError:
        cause = Words("whisper.cpp ended by itself (exit code {code})", code=self._end())
        return WhisperCppError(cause)

    def _end(self) -> int:
        """Its exit code."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(OSError):  # what was written may never have been read
                pipe.close()
        try:
            return self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()  # it has nothing to keep
        self._end()


def main() -> None:
    """In the other process: a model and a number of threads as arguments, a request and an answer a line."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # its native code prints to standard output, which is the answers' channel

    def answer(**fields: object) -> None:
        answers.write(json.dumps(fields) + "\n")
        answers.flush()

    try:
        engine = _Engine(sys.argv[1], int(sys.argv[2]))
        answer(version=engine.version)
        for line in sys.stdin:
            request = json.loads(line)
            started = time.perf_counter()
            text = engine.transcribe(Path(request["recording"]), request["language"])
            answer(seconds=time.perf_counter() - started, text=text)
    except Exception as error:  # noqa: BLE001 - the boundary of this process: it says what ended it
        answer(error=str(error) or type(error).__name__)


class _Engine:
    """whisper.cpp with its defaults: greedy with fallback, timestamps, no context from the window before."""

    def __init__(self, model: str, n_threads: int) -> None:
        from importlib.metadata import version

        binding = importlib.import_module("pywhispercpp.model")
        with_cuda = "CUDA" in str(binding.Model.system_info())
        self.version = f"{_BINDING} {version(_BINDING)}{', CUDA' if with_cuda else ''}"
        self._model = binding.Model(model, n_threads=n_threads, print_progress=False, print_realtime=False)

    def transcribe(self, recording: Path, language: str) -> str:
        segments = self._model.transcribe(load_audio(recording), language=language)
        return " ".join(segment.text for segment in segments)


if __name__ == "__main__":
    main()
