"""When words begin and end: against utterances whose edges are known, and against openai/whisper's own times.

`python -m tests.bench.word_times` joins the corpus's utterances, each trimmed to its speech, with silences of 0.5 s,
times their words with the shipped model, and writes a section of docs/benchmarks.md; exit code 1 says that a bound was
missed. `--openai PYTHON` names a Python that has `openai-whisper`: it times the same recording with the same weights.
"""

from __future__ import annotations

import argparse
import difflib
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jiwer
import numpy as np
import soundfile
from numpy.typing import NDArray

from app.paths import vad_model
from gpu.audio import SAMPLE_RATE, load_audio
from gpu.cancel import CancelToken
from gpu.engine import Engine
from gpu.model_file import open_model
from gpu.types import Segment, TranscribeOptions
from tests.bench import peers, report
from tests.bench.long_recording import IN_THE_MIDDLE, PAUSE_S, UTTERANCES, interleaved
from tests.support.corpus import corpus_folder, read_manifest, why_no_corpus

FRAME = 320  # samples in which energy is measured: 20 ms
SPEECH_DB = -35  # below the loudest frame of an utterance
EDGE_S = 0.3  # words that begin or end so near to an utterance's edge are not inner ones
MEDIAN_BOUND_S, MOST_BOUND_S, MOST = 0.06, 0.2, 0.95
WORKER = Path(__file__).with_name("openai_words_worker.py")
METHOD = """## Word times

`python -m tests.bench.word_times{openai}`. {n} utterances ({minutes:.1f} minutes), trimmed to their speech
(20 ms frames within 35 dB of the loudest) and joined with 0.5 s of silence; shipped weights (base, Q5_1), greedy,
English given. Distance of the first word's start and the last word's end from the utterance's edges."""
BESIDE_OPENAI = """
openai/whisper runs with the same weights, in float32. Inner words: those that both heard, away from the edges;
distance between the two engines."""


@dataclass(frozen=True)
class Utterance:
    """Where it lies in the recording, in seconds, and its words."""

    start: float
    end: float
    words: Sequence[str]


@dataclass(frozen=True)
class TimedWord:
    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Distances:
    """Seconds, signed: late is positive."""

    seconds: NDArray[np.float64]

    @property
    def median(self) -> float:
        return float(np.median(np.abs(self.seconds)))

    @property
    def within(self) -> float:
        """The share that is within the bound for most."""
        return float((np.abs(self.seconds) <= MOST_BOUND_S + 1e-9).mean())

    def cells(self) -> list[str]:
        worst = np.percentile(np.abs(self.seconds), 95)
        bias = np.median(self.seconds)
        return [f"{self.median * 1000:.0f}", f"{worst * 1000:.0f}", f"{100 * self.within:.1f}", f"{bias * 1000:+.0f}"]


def trimmed(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """From the first to the last frame of speech."""
    n = len(samples) // FRAME
    energy = np.square(samples[: n * FRAME]).reshape(n, FRAME).mean(axis=1)
    loud = np.flatnonzero(energy > energy.max() * 10 ** (SPEECH_DB / 10))
    return samples[loud[0] * FRAME : (loud[-1] + 1) * FRAME]


def make_recording(path: Path) -> list[Utterance]:
    """The corpus's utterances, speakers in turn."""
    clips = interleaved([c for c in read_manifest(corpus_folder()) if c.name.startswith((UTTERANCES, IN_THE_MIDDLE))])
    pause = np.zeros(int(PAUSE_S * SAMPLE_RATE), np.float32)
    utterances, parts, position = [], [], 0
    for clip in clips:
        speech = trimmed(load_audio(clip.path))
        end = position + len(speech)
        utterances.append(Utterance(position / SAMPLE_RATE, end / SAMPLE_RATE, normalized(clip.reference.split())))
        parts += [speech, pause]
        position = end + len(pause)
    soundfile.write(path, np.concatenate(parts), SAMPLE_RATE)
    return utterances


def normalized(words: Sequence[str]) -> list[str]:
    """Letters and digits only, lower case; words without any are dropped."""
    bare = ("".join(c for c in word.lower() if c.isalnum() or c == "'") for word in words)
    return [word for word in bare if word]


def our_words(recording: Path) -> list[TimedWord]:
    engine = Engine(peers.GGML_MODEL, vad_model(), "cpu", peers.N_THREADS)
    options = TranscribeOptions(language="en", word_timestamps=True)
    events = engine.transcribe(recording, options, CancelToken())
    segments = [event for event in events if isinstance(event, Segment)]
    engine.close()
    return [TimedWord(w.word, w.start, w.end) for segment in segments for w in segment.words or ()]


def openai_words(python: Path, recording: Path, folder: Path) -> list[TimedWord]:
    """openai/whisper's, of the same recording with the same weights."""
    weights = folder / "weights.npz"
    with open_model(peers.GGML_MODEL) as model:
        dims = json.dumps(vars(model.dims))
        np.savez(weights, **{name: tensor.dequantize() for name, tensor in model.tensors.items()})
    command = [python, WORKER, weights, dims, recording, str(peers.N_THREADS)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, env=peers.environment()).stdout
    return [TimedWord(word["word"], word["start"], word["end"]) for word in json.loads(answer.splitlines()[-1])]


def edges(utterances: Sequence[Utterance], words: Sequence[TimedWord]) -> tuple[Distances, Distances]:
    """How far first words begin and last words end from where they should; those that were not heard are left out."""
    spoken = [word for utterance in utterances for word in utterance.words]
    heard = matched(spoken, [word.text for word in words])
    starts, ends, first = [], [], 0
    for utterance in utterances:
        last = first + len(utterance.words) - 1
        if first in heard:
            starts.append(words[heard[first]].start - utterance.start)
        if last in heard:
            ends.append(words[heard[last]].end - utterance.end)
        first = last + 1
    return Distances(np.array(starts)), Distances(np.array(ends))


def matched(reference: Sequence[str], heard: Sequence[str]) -> dict[int, int]:
    """Which word of the reference was heard as which, right or wrong: by the fewest edits."""
    places = [i for i, text in enumerate(heard) if normalized([text])]
    texts = [normalized([heard[i]])[0] for i in places]
    pairs: dict[int, int] = {}
    for chunk in jiwer.process_words(" ".join(reference), " ".join(texts)).alignments[0]:
        said, written = range(chunk.ref_start_idx, chunk.ref_end_idx), places[chunk.hyp_start_idx : chunk.hyp_end_idx]
        if chunk.type in ("equal", "substitute"):
            pairs |= zip(said, written, strict=True)
    return pairs


def inner(
    utterances: Sequence[Utterance], ours: Sequence[TimedWord], theirs: Sequence[TimedWord]
) -> tuple[Distances, Distances]:
    """Starts and ends of words that both heard, away from the utterances' edges."""
    near = [edge for utterance in utterances for edge in (utterance.start, utterance.end)]
    texts = [[" ".join(normalized([word.text])) for word in words] for words in (ours, theirs)]
    starts, ends = [], []
    for a, b, n in difflib.SequenceMatcher(None, *texts, autojunk=False).get_matching_blocks():
        for word, other in zip(ours[a : a + n], theirs[b : b + n], strict=True):
            times = np.array([word.start, word.end, other.start, other.end])
            if np.abs(times[:, np.newaxis] - near).min() >= EDGE_S:
                starts.append(word.start - other.start)
                ends.append(word.end - other.end)
    return Distances(np.array(starts)), Distances(np.array(ends))


def missed_bounds(starts: Distances, ends: Distances) -> list[str]:
    missed = []
    for name, found in (("first words' starts", starts), ("last words' ends", ends)):
        if found.median > MEDIAN_BOUND_S:
            missed.append(f"{name}: median {found.median * 1000:.0f} ms, at most 60 ms allowed")
        if found.within < MOST:
            missed.append(f"{name}: {100 * found.within:.1f} % within 200 ms, at least 95 % wanted")
    return missed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--openai", type=Path, metavar="PYTHON", help="a Python with openai-whisper")
    parser.add_argument("--no-write", action="store_true", help="leave docs/benchmarks.md as it is")
    arguments = parser.parse_args()
    if reason := why_no_corpus():
        print(reason, file=sys.stderr)
        return 0
    with tempfile.TemporaryDirectory() as name:
        recording = Path(name) / "utterances.wav"
        utterances = make_recording(recording)
        ours = our_words(recording)
        theirs = openai_words(arguments.openai, recording, Path(name)) if arguments.openai else []
    starts, ends = edges(utterances, ours)
    rows = [["ours", "first words' starts", *starts.cells()], ["ours", "last words' ends", *ends.cells()]]
    if theirs:
        for what, found in zip(("first words' starts", "last words' ends"), edges(utterances, theirs), strict=True):
            rows.append(["openai/whisper", what, *found.cells()])
        for what, found in zip(("inner starts", "inner ends"), inner(utterances, ours, theirs), strict=True):
            rows.append(["ours from openai/whisper's", what, *found.cells()])
    table = report.table(["", "", "median ms", "95 % within ms", "within 200 ms %", "bias ms"], rows, n_left=2)
    bounds = missed_bounds(starts, ends)
    openai = " --openai PYTHON" if theirs else ""
    method = METHOD.format(openai=openai, n=len(utterances), minutes=utterances[-1].end / 60)
    method += BESIDE_OPENAI if theirs else ""
    text = "\n\n".join([method, table, report.missed(bounds), report.facts(report.machine())])
    print(text)
    if not arguments.no_write:
        report.write_section("word times", text)
    return 1 if bounds else 0


if __name__ == "__main__":
    sys.exit(main())
