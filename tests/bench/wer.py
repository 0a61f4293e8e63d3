"""Word error rates of ours and of the peers on the same recordings, written to docs/benchmarks.md.

`python -m tests.bench.wer` measures; exit code 1 says that a bound was missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from app.engine.messages import JobFailed, JobLanguage, JobSegment, ModelFailed, TranscribeFile
from app.engine.service import EngineService
from gpu.cancel import CancelToken
from gpu.types import TranscribeOptions
from tests.bench import peers, report
from tests.bench.metrics import Errors, count_errors, pool, unit
from tests.bench.runs import OURS
from tests.support.corpus import FREE_AUDIO, Clip, corpus_folder, read_manifest, why_no_corpus

WHISPER_CPP = "whisper.cpp"
FASTER_WHISPER = "faster-whisper"
LONG = "68 s file"
LIBRISPEECH = "LibriSpeech, 40 utterances"
MULTILINGUAL = "language not given"
LONG_BOUND_PERCENT = 4.8
LIBRISPEECH_BOUND_POINTS = 0.5  # above whisper.cpp
METHOD = """## Accuracy

`{command}`. Errors pooled over each row's recordings; English through OpenAI's EnglishTextNormalizer, other languages
through its BasicTextNormalizer, Chinese by simplified characters. All with the shipped weights (base, Q5_1;
faster-whisper: the same base model in int8), greedy, timestamps on, each engine with its own fallback."""

# Text and language of one recording; language None asks for detection.
Transcribe = Callable[[Path, str | None], tuple[str, str]]


@dataclass(frozen=True)
class Measurement:
    """One recording by one engine. `detected` is the language the engine worked in."""

    engine: str
    set: str
    clip: str
    language: str
    detected: str
    errors: Errors
    text: str


def clip_sets() -> dict[str, list[Clip]]:
    """The recordings by set. The corpus's sets are missing where the corpus is."""
    free = [c for c in read_manifest(FREE_AUDIO) if c.name.startswith("ast_") and c.language in ("it", "ru")]
    reason = why_no_corpus()
    if reason:
        print(reason, file=sys.stderr)
        return {MULTILINGUAL: free}
    clips = read_manifest(corpus_folder())
    return {
        LONG: [clip for clip in clips if clip.name == "long/en_1min_1688.flac"],
        LIBRISPEECH: [clip for clip in clips if clip.name.startswith("librispeech/")],
        MULTILINGUAL: [c for c in clips if c.name.startswith("multi/") and c.language != "en"] + free,
    }


def our_engine(beam_size: int | None) -> tuple[Transcribe, Callable[[], None]]:
    """Our engine in this process, as the program drives it, and what closes it."""
    service = EngineService(peers.GGML_MODEL, threads=peers.N_THREADS)
    for message in service.load():
        if isinstance(message, ModelFailed):
            raise SystemExit(message.message)

    def transcribe(audio: Path, language: str | None) -> tuple[str, str]:
        options = TranscribeOptions(language=language, beam_size=beam_size)
        text, detected = "", ""
        for message in service.run(TranscribeFile(0, audio, options), CancelToken()):
            match message:
                case JobSegment():
                    text += message.segment.text
                case JobLanguage():
                    detected = message.language
                case JobFailed():
                    raise SystemExit(f"{audio}: {message.message}")
        return text, detected

    return transcribe, service.close


def peer_engine(peer: peers.Peer) -> Transcribe:
    def transcribe(audio: Path, language: str | None) -> tuple[str, str]:
        run = peer.transcribe(audio, language)
        return run.text, run.language

    return transcribe


def measure(engine: str, transcribe: Transcribe, sets: dict[str, list[Clip]]) -> Iterator[Measurement]:
    """Transcribe every clip, and say how it went as it goes."""
    for name, clips in sets.items():
        for clip in clips:
            text, detected = transcribe(clip.path, None if name == MULTILINGUAL else clip.language)
            errors = count_errors(clip.reference, text, clip.language)
            rate = f"{unit(clip.language)} {errors.percent:5.1f} %"
            print(f"{engine:18} {clip.name:44} {detected:3} {rate}  {text.strip()[:60]}", file=sys.stderr)
            yield Measurement(engine, name, clip.name, clip.language, detected, errors, text)


def pooled(measurements: Sequence[Measurement], engine: str, name: str, language: str | None = None) -> Errors:
    """All errors of an engine on a set, or on the clips of one language in it."""
    return pool(
        m.errors
        for m in measurements
        if (m.engine, m.set) == (engine, name) and (language is None or m.language == language)
    )


def summary(measurements: Sequence[Measurement]) -> str:
    """Markdown table: rates by set and language, one column an engine."""
    engines = list(dict.fromkeys(m.engine for m in measurements))
    groups = list(dict.fromkeys((m.set, m.language) for m in measurements))
    rows = []
    for name, language in groups:
        cells = []
        for engine in engines:
            group = [m for m in measurements if (m.engine, m.set, m.language) == (engine, name, language)]
            errors = pool(m.errors for m in group)
            wrong = sum(m.detected != language for m in group)
            cells.append(f"{errors.percent:.1f} ({errors.count})" + (f", {wrong} in another language" if wrong else ""))
        n_clips = len({m.clip for m in measurements if (m.set, m.language) == (name, language)})
        reference = pooled(measurements, engines[0], name, language)
        rows.append([f"{name}, {language}", unit(language), str(n_clips), str(reference.length), *cells])
    return report.table(["recordings", "rate", "clips", "length", *(f"{e} % (errors)" for e in engines)], rows)


def missed_bounds(measurements: Sequence[Measurement]) -> list[str]:
    """What is worse than it may be, in words. Needs whisper.cpp's figures for the comparisons."""
    missed = []
    sets = {m.set for m in measurements}
    compared = any(m.engine == WHISPER_CPP for m in measurements)
    if LONG in sets and (rate := pooled(measurements, OURS, LONG).percent) > LONG_BOUND_PERCENT:
        missed.append(f"{LONG}: WER {rate:.1f} %, at most {LONG_BOUND_PERCENT} % allowed")
    if LIBRISPEECH in sets and compared:
        ours, theirs = (pooled(measurements, engine, LIBRISPEECH).percent for engine in (OURS, WHISPER_CPP))
        if ours > theirs + LIBRISPEECH_BOUND_POINTS:
            missed.append(f"{LIBRISPEECH}: WER {ours:.1f} %, whisper.cpp {theirs:.1f} %")
    multilingual = [m for m in measurements if m.set == MULTILINGUAL and m.engine == OURS]
    missed += [f"{m.clip}: taken for {m.detected}" for m in multilingual if m.detected != m.language]
    for language in sorted({m.language for m in multilingual}) if compared else []:
        ours, theirs = (pooled(measurements, e, MULTILINGUAL, language).percent for e in (OURS, WHISPER_CPP))
        if ours > theirs:
            missed.append(f"{language}: {unit(language)} {ours:.1f} %, whisper.cpp {theirs:.1f} %")
    return missed


def section(measurements: Sequence[Measurement], versions: dict[str, str], command: str) -> str:
    """The Markdown section of docs/benchmarks.md."""
    method = METHOD.format(command=command)
    bounds = report.missed(missed_bounds(measurements))
    return "\n\n".join([method, summary(measurements), bounds, report.facts(report.machine() | versions)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    peers.add_arguments(parser)
    engines = (OURS, WHISPER_CPP, FASTER_WHISPER)
    parser.add_argument("--engines", nargs="+", choices=engines, default=engines, metavar="NAME", help=f"of {engines}")
    parser.add_argument("--beam-size", type=int, help="ours only; the default is greedy, as the peers")
    parser.add_argument("--json", type=Path, help="every clip's figures and text")
    parser.add_argument("--no-write", action="store_true", help="leave docs/benchmarks.md as it is")
    arguments = parser.parse_args()

    sets = clip_sets()
    measurements: list[Measurement] = []
    versions: dict[str, str] = {}
    with ExitStack() as stack:
        for engine in arguments.engines:
            if engine == OURS:
                transcribe, close = our_engine(arguments.beam_size)
                stack.callback(close)
            else:
                environment = peers.Peers(arguments.peers)
                environment.set_up()
                peer = stack.enter_context(environment.start(engine))
                versions[engine] = peer.version
                transcribe = peer_engine(peer)
            measurements += measure(engine, transcribe, sets)
    command = " ".join(["python -m tests.bench.wer", *(f"--beam-size {b}" for b in [arguments.beam_size] if b)])
    text = section(measurements, versions, command)
    print(text)
    if arguments.json:
        clips = [{**asdict(m), "rate": m.errors.percent} for m in measurements]
        report.write_json(arguments.json, {"facts": report.machine() | versions, "clips": clips})
    if not arguments.no_write:
        report.write_section("accuracy", text)
    return 1 if missed_bounds(measurements) else 0


if __name__ == "__main__":
    sys.exit(main())
