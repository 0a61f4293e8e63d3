"""A long recording beside the peers, alternating in one run: time, errors, memory; a table and a plot in docs/.

`python -m tests.bench.long --tiny-en SOURCE` measures the shipped command, a fresh process each time: the shipped
weights, tiny.en if given, and base in all other types, which it makes. `--load` and `--hours` measure what else a long
recording meets. Exit code 1 says that a bound was missed. Keep the machine free of other work.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench import models, peers, report, stress
from tests.bench.long_recording import join, parts
from tests.bench.models import OTHER_TYPES, OURS_BEAM, Model
from tests.bench.peers import FASTER_BATCH, FASTER_WHISPER, WHISPER_CPP
from tests.bench.plot import Bar, Chart, svg
from tests.bench.runs import JFK, OURS, Results, Runs, other_load, plain, run_ours, run_peer, speedup
from tests.bench.two_speakers import errors_by_speaker, join_sides, turns
from tests.bench.weight_types import measure_types, types_section
from tests.support.corpus import Clip, corpus_folder, read_manifest, why_no_corpus

NOISE = "special/noisy_pink5dB_3080.flac"
PLOT = report.BENCHMARKS.with_suffix(".svg")

# Ours over the peer's time: must, goal.
LONG_RATIOS = {WHISPER_CPP: (0.30, 0.25), FASTER_WHISPER: (0.55, 0.45), FASTER_BATCH: (0.85, 0.70)}
JFK_RATIOS = {WHISPER_CPP: 0.35, FASTER_WHISPER: 0.6}
BEAM_RATIO = 1.6  # over greedy
WER_POINTS = 0.5  # above the best peer
MEMORY_MB = 600
START_UP_S = 1.5
METHOD = """## Long recordings

![Seconds for the long recording]({plot})

`{command}`. Forty utterances of LibriSpeech test-other, their speakers in turn,
and half a minute of another one, with pauses of half a second; nothing is repeated. {n_threads} threads, English given;
greedy but for beam 5; whisper.cpp with timestamps. Medians of {n_runs} (noise and stereo: one run), the engines
alternating, each run a process of its own. Stereo: twenty utterances of two speakers in turn, one on each side; ours
with --split-channels True, the peers hear them mixed. Timed is the transcription, from the file to its text, loading
the model aside. Errors are of the run with the most, by OpenAI's EnglishTextNormalizer. Whole process: from start to
end."""


@dataclass(frozen=True)
class Case:
    """A recording and how often it is transcribed; beam 5 and batch 8 only where the recording is `long`.

    Attributes:
        sides: the references of the channels, where each has its speaker; the peers hear them mixed.
    """

    title: str
    clip: Clip
    n_runs: int
    long: bool = False
    sides: tuple[str, ...] = ()

    @property
    def options(self) -> list[str]:
        """Of ours."""
        return ["--split-channels", "True"] if self.sides else []

    def engines(self, model: Model) -> list[str]:
        return [name for name in model.engines if self.long or name not in (OURS_BEAM, FASTER_BATCH)]


@dataclass(frozen=True)
class Target:
    """A measured figure beside what it must and should be at most."""

    what: str
    measured: float
    bound: float
    goal: float | None = None

    @property
    def is_met(self) -> bool:
        return self.measured <= self.bound

    @property
    def verdict(self) -> str:
        if not self.is_met:
            return "missed"
        return "met" if self.goal is None or self.measured <= self.goal else "met, not the goal"


def measure(environment: peers.Peers, model: Model, cases: Sequence[Case]) -> tuple[Results, dict[str, str]]:
    """All engines in turn on each recording, by its title; and the peers' versions, and how busy the machine was."""
    busy = 0.0
    facts: dict[str, str] = {}
    results: Results = {case.title: {name: Runs() for name in case.engines(model)} for case in cases}
    for case in cases:
        for i in range(case.n_runs):
            busy = max(busy, other_load())
            for name, runs in results[case.title].items():
                if name in peers.NAMES:
                    facts[name] = run_peer(environment, name, case.clip, runs, model.weights(name))
                else:
                    beam = ["--beam-size", "5"] if name == OURS_BEAM else []
                    run_ours(case.clip, runs, ["--model", model.ggml, *case.options, *beam])
            latest = (f"{name} {runs.processing_s[-1]:.2f} s" for name, runs in results[case.title].items())
            print(f"{model.name}, {case.title} {i + 1}/{case.n_runs}: {'; '.join(latest)}", file=sys.stderr)
    return results, facts | {"other load between the runs": f"at most {busy:.0f} % of the processor"}


def summary(results: Results, cases: Sequence[Case], model: Model) -> str:
    """Markdown table, one row a recording and engine."""
    rows = []
    for case in cases:
        for name, runs in results[case.title].items():
            middle = median(runs.processing_s)
            errors = runs.worst_errors(case.clip.reference)
            rows.append(
                [
                    case.title,
                    name,
                    f"{middle:.2f}",
                    f"{min(runs.processing_s):.2f}-{max(runs.processing_s):.2f}",
                    f"{middle / case.clip.seconds:.3f}",
                    "" if name == OURS else f"{1 / speedup(results[case.title], name):.2f}",
                    f"{errors.percent:.1f}",
                    str(errors.deletions),
                    f"{runs.peak_memory_bytes / 10**6:.0f}",
                    f"{median(runs.process_s):.2f}",
                ]
            )
    header = [f"{model.name}", "engine", "s (median)", "range", "real-time factor", "ours / its time", "WER %"]
    return report.table([*header, "words left out", "peak MB", "whole process s"], rows, n_left=2)


def targets(results: Results, cases: Sequence[Case]) -> list[Target]:
    """What is asked of us, as far as the peers of it were measured."""
    found = []
    for case in cases:
        engines = results[case.title]
        wer = {name: runs.worst_wer(case.clip.reference) for name, runs in engines.items()}
        best_peer = min(wer[name] for name in engines if name in peers.NAMES)
        if case.long:
            found += _long_targets(case.title, engines, wer, best_peer)
        elif case.clip == JFK:
            found += [
                Target(f"{case.title}: time over {name}'s", 1 / speedup(engines, name), bound)
                for name, bound in JFK_RATIOS.items()
                if name in engines
            ]
            outside = (a - b for a, b in zip(engines[OURS].process_s, engines[OURS].processing_s, strict=True))
            found.append(Target(f"{case.title}: s outside the transcription", median(outside), START_UP_S))
        else:
            found.append(Target(f"{case.title}: WER %, at most the best peer's", wer[OURS], best_peer))
        if case.sides:
            printed = engines[OURS].printed
            worst = max(errors_by_speaker(case.sides, text, case.clip.language).percent for text in printed)
            found.append(Target(f"{case.title}: WER % of each one's words, at most the best peer's", worst, best_peer))
    return found


def _long_targets(title: str, engines: dict[str, Runs], wer: dict[str, float], best_peer: float) -> list[Target]:
    ratios = [
        Target(f"{title}: time over {name}'s", 1 / speedup(engines, name), *bounds)
        for name, bounds in LONG_RATIOS.items()
        if name in engines
    ]
    peak = max(engines[name].peak_memory_bytes for name in (OURS, OURS_BEAM))
    return [
        *ratios,
        Target(f"{title}: WER %, at most {WHISPER_CPP}'s", wer[OURS], wer[WHISPER_CPP]),
        Target(f"{title}: WER %, at most {WER_POINTS} above the best peer's", wer[OURS], best_peer + WER_POINTS),
        Target(f"{title}, beam 5: WER %, at most the best peer's", wer[OURS_BEAM], best_peer),
        Target(f"{title}, beam 5: WER %, at most greedy's", wer[OURS_BEAM], wer[OURS]),
        Target(f"{title}, beam 5: time over greedy's", speedup(engines, OURS_BEAM), BEAM_RATIO),
        Target(f"{title}: peak memory in MB", peak / 10**6, MEMORY_MB),
    ]


def target_table(found: Sequence[Target]) -> str:
    rows = [
        [t.what, f"{t.measured:.2f}", f"{t.bound:.2f}", "" if t.goal is None else f"{t.goal:.2f}", t.verdict]
        for t in found
    ]
    return report.table(["asked for", "measured", "at most", "goal", "verdict"], rows)


def chart(results: Results, case: Case, model: Model) -> Chart:
    """Of the long recording."""
    bars = []
    for name, runs in results[case.title].items():
        wer = f"WER {runs.worst_wer(case.clip.reference):.1f} %"
        bars.append(Bar(name, median(runs.processing_s), wer, name not in peers.NAMES))
    return Chart(f"{case.title}, {model.name}: seconds, less is better", bars)


def make_cases(n_runs: int, folder: Path) -> list[Case]:
    """The recordings; those that are put together are written into `folder`."""
    corpus = read_manifest(corpus_folder())
    conversation, sides = join_sides(turns(corpus), folder / "stereo.wav")
    clips = {clip.name: clip for clip in corpus}
    recording = join(parts(corpus), folder / "long.wav")
    return [
        Case(recording.name, recording, n_runs, long=True),
        Case(JFK.name, JFK, n_runs),
        Case("pink noise at 5 dB", clips[NOISE], 1),
        Case(conversation.name, conversation, 1, sides=sides),
    ]


def compare(arguments: argparse.Namespace, folder: Path) -> int:
    """The tables and the plot; the exit code."""
    environment = peers.Peers(arguments.peers)
    environment.set_up()
    compared = _compared(arguments, environment, folder)
    others = models.base_types(arguments.types, environment, folder)  # before anything is timed: it may fail
    cases = make_cases(arguments.runs, folder)
    facts = report.machine()
    tables, charts, runs, missed = [], [], {}, []
    for model in compared:
        results, more = measure(environment, model, cases)
        facts |= more
        found = targets(results, cases)
        missed += [f"{model.name}, {target.what}" for target in found if not target.is_met]
        tables += [summary(results, cases, model), target_table(found)]
        charts.append(chart(results, cases[0], model))
        runs[model.name] = plain(results)
    if others:
        by_type = measure_types(environment, others, cases[0].clip)
        tables.append(types_section(by_type, others, cases[0].clip))
        runs["types"] = plain(by_type)
    method = METHOD.format(
        command=_command(arguments), plot=PLOT.name, n_threads=peers.N_THREADS, n_runs=arguments.runs
    )
    text = "\n\n".join([method, *tables, report.missed(missed), report.facts(facts)])
    if arguments.json:
        report.write_json(arguments.json, {"facts": facts, "runs": runs})
    if not arguments.no_write:
        PLOT.write_text(svg(charts, "s"), encoding="utf-8")
    return _conclude("long", text, missed, arguments)


def _compared(arguments: argparse.Namespace, environment: peers.Peers, folder: Path) -> list[Model]:
    """The models that are measured with all peers and against the bounds."""
    if arguments.models:
        return [models.given(text) for text in arguments.models]
    tiny = [models.imported("tiny.en", arguments.tiny_en, folder)] if arguments.tiny_en else []
    return [Model("base Q5_1", peers.GGML_MODEL, environment.ctranslate2_model), *tiny]


def _command(arguments: argparse.Namespace) -> str:
    """What to type to have these figures again; folders are everybody's own."""
    given = ["--models", *(Path(text).name for text in arguments.models)] if arguments.models else []
    given += ["--tiny-en", Path(arguments.tiny_en).name] if arguments.tiny_en else []
    given += ["--types", *arguments.types] if tuple(arguments.types) != OTHER_TYPES else []
    given += ["--runs", str(arguments.runs)] if arguments.runs != 3 else []
    return " ".join(["python -m tests.bench.long", *given])


def _conclude(section: str, text: str, missed: Sequence[str], arguments: argparse.Namespace) -> int:
    print(text)
    if not arguments.no_write:
        report.write_section(section, text)
    return 1 if missed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    peers.add_arguments(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--models",
        nargs="+",
        default=[],
        metavar="GGML[=CT2]",
        help="ggml files, each with its weights in a CTranslate2 folder for faster-whisper (default: base, Q5_1)",
    )
    what.add_argument(
        "--tiny-en",
        metavar="SOURCE[=CT2]",
        help="tiny.en too: anything that `models import` reads; from CTranslate2 faster-whisper runs as well",
    )
    parser.add_argument(
        "--types",
        nargs="*",
        choices=OTHER_TYPES,
        default=OTHER_TYPES,
        metavar="TYPE",
        help=f"base in these types too, one run each (default: {' '.join(OTHER_TYPES)}; without any: none)",
    )
    parser.add_argument("--runs", type=int, default=3, help="of each engine on each file (default: 3)")
    parser.add_argument("--json", type=Path, help="every run's figures and text")
    parser.add_argument("--no-write", action="store_true", help="leave docs/ as it is")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--load", action="store_true", help="instead: ours while another process keeps a core busy")
    instead.add_argument("--hours", type=float, metavar="N", help="instead: ours on N hours of the same")
    arguments = parser.parse_args()
    if reason := why_no_corpus():
        print(reason, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not arguments.load and not arguments.hours:
            return compare(arguments, folder)
        recording = join(parts(read_manifest(corpus_folder())), folder / "long.wav")
        if arguments.load:
            load = stress.measure_load(recording, arguments.runs)
            return _conclude("load", stress.load_section(load), load.missed, arguments)
        growth = stress.measure_growth(recording, arguments.hours, folder)
        text = stress.growth_section(growth, arguments.hours)
        return _conclude("growth", text, stress.missed_growth(growth), arguments)


if __name__ == "__main__":
    sys.exit(main())
