"""Runs in the peers' own Python: loads one engine, then transcribes on request. JSON lines in and out.

Usage: peer_worker.py ENGINE MODEL N_THREADS
A request is {"audio": path, "language": "en" or null}. What is timed begins at the file and ends with the text.
"""

import json
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np


class WhisperCpp:
    """whisper.cpp with its defaults: greedy with fallback, timestamps, no context from the window before."""

    def __init__(self, model, n_threads):
        import _pywhispercpp
        from pywhispercpp.model import Model

        self.native = _pywhispercpp
        self.version = f"pywhispercpp {version('pywhispercpp')}"
        self.model = Model(model, n_threads=n_threads, print_progress=False, print_realtime=False)

    def transcribe(self, samples, language):
        segments = self.model.transcribe(samples, language=language or "auto")
        # Joined before decoding: a segment may end inside a character, which the binding would replace.
        context = self.model._ctx
        parts = [self.native.whisper_full_get_segment_text(context, i) for i in range(len(segments))]
        found = self.native.whisper_lang_str(self.native.whisper_full_lang_id(context))
        return b"".join(parts).decode("utf-8", errors="replace"), found


class FasterWhisper:
    """faster-whisper with its defaults, at beam 1 and int8."""

    def __init__(self, model, n_threads):
        import ctranslate2
        from faster_whisper import WhisperModel

        self.version = f"faster-whisper {version('faster-whisper')} (CTranslate2 {ctranslate2.__version__})"
        self.model = WhisperModel(model, device="cpu", compute_type="int8", cpu_threads=n_threads)

    def transcribe(self, samples, language):
        segments, info = self.model.transcribe(samples, beam_size=1, language=language)
        return "".join(segment.text for segment in segments), info.language


class BatchedFasterWhisper(FasterWhisper):
    """The same, eight windows at a time, cut by its voice activity detection."""

    def __init__(self, model, n_threads):
        from faster_whisper import BatchedInferencePipeline

        super().__init__(model, n_threads)
        self.pipeline = BatchedInferencePipeline(self.model)

    def transcribe(self, samples, language):
        segments, info = self.pipeline.transcribe(samples, beam_size=1, language=language, batch_size=8)
        return "".join(segment.text for segment in segments), info.language


ENGINES = {
    "whisper.cpp": WhisperCpp,
    "faster-whisper": FasterWhisper,
    "faster-whisper, batch 8": BatchedFasterWhisper,
}


def decode(path):
    """(n_samples,) float32 at 16 kHz, mono."""
    import av

    resampler = av.AudioResampler(format="s16", layout="mono", rate=16000)
    with av.open(path) as container:
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.float32) / 32768


def peak_memory_bytes():
    """This process's largest resident memory; None where it is not known how to ask."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    # Not getrusage: its figure begins at the size of the process that started this one.
    peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) * 1024


def main():
    # The engines' native code prints to standard output, which is the answers' channel.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def answer(**fields):
        answers.write(json.dumps({**fields, "peak_memory_bytes": peak_memory_bytes()}) + "\n")
        answers.flush()

    name, model, n_threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    started = time.perf_counter()
    engine = ENGINES[name](model, n_threads)
    answer(load_s=time.perf_counter() - started, version=engine.version, python=platform.python_version())
    for line in sys.stdin:
        request = json.loads(line)
        started = time.perf_counter()
        text, language = engine.transcribe(decode(request["audio"]), request["language"])
        answer(processing_s=time.perf_counter() - started, text=text, language=language)


if __name__ == "__main__":
    main()
