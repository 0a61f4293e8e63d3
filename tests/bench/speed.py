"""Speed beside the peers, alternating in one run, written to docs/benchmarks.md.

`python -m tests.bench.speed` measures the shipped command, a fresh process each time; exit code 1 says that a bound was
missed. Keep the machine free of other work meanwhile.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from statistics import median

from tests.bench import peers, report
from tests.bench.runs import JFK, OURS, Results, Runs, other_load, plain, run_ours, run_peer, speedup
from tests.support.corpus import Clip, corpus_folder, read_manifest, why_no_corpus

# How much faster than each peer the shipped command has to be.
SPEED_BOUNDS = {"whisper.cpp": 2.5, "faster-whisper": 1.4}
WER_BOUNDS_PERCENT = {"jfk.wav": 0.0, "long/en_1min_1688.flac": 4.8}
MEMORY_BOUND_BYTES = 450 * 10**6
METHOD = """## Speed

`python -m tests.bench.speed --rounds {n_rounds}`. {n_threads} threads, greedy, timestamps on, English given, shipped
weights (base, Q5_1; faster-whisper: the same base model in int8). Medians of {n_rounds}, the engines alternating.
Every run is a new process, for each engine. Timed is the transcription, from the file to its text, loading the model
aside; ours are the seconds the shipped command prints. Whole process: from start to end, everything included.
WER is the worst of the runs."""


def recordings() -> list[Clip]:
    """jfk, and the 68 s file where the corpus is."""
    clips = [JFK]
    reason = why_no_corpus()
    if reason:
        print(f"68 s file {reason}", file=sys.stderr)
        return clips
    return clips + [clip for clip in read_manifest(corpus_folder()) if clip.name == "long/en_1min_1688.flac"]


def measure(environment: peers.Peers, clips: list[Clip], n_rounds: int) -> tuple[Results, dict[str, str]]:
    """Alternate all engines `n_rounds` times on each recording; the results, and what else to know of them."""
    busy = 0.0
    facts: dict[str, str] = {}
    results: Results = {clip.name: {name: Runs() for name in (OURS, *SPEED_BOUNDS)} for clip in clips}
    for clip in clips:
        for i in range(n_rounds):
            busy = max(busy, other_load())
            run_ours(clip, results[clip.name][OURS])
            for name in SPEED_BOUNDS:
                facts[name] = run_peer(environment, name, clip, results[clip.name][name])
            latest = (f"{name} {runs.processing_s[-1]:.2f} s" for name, runs in results[clip.name].items())
            print(f"{clip.name} {i + 1}/{n_rounds}: {', '.join(latest)}", file=sys.stderr)
    return results, facts | {"other load between the runs": f"at most {busy:.0f} % of the processor"}


def summary(results: Results, clips: list[Clip]) -> str:
    """Markdown table, one row an engine and recording."""
    rows = []
    for clip in clips:
        for name, runs in results[clip.name].items():
            middle = median(runs.processing_s)
            rows.append(
                [
                    clip.name,
                    name,
                    f"{middle:.2f}",
                    f"{min(runs.processing_s):.2f}-{max(runs.processing_s):.2f}",
                    f"{middle / clip.seconds:.3f}",
                    "" if name == OURS else f"{speedup(results[clip.name], name):.2f} x",
                    f"{median(runs.process_s):.2f}",
                    f"{runs.worst_wer(clip.reference):.1f}",
                    f"{runs.peak_memory_bytes / 10**6:.0f}",
                ]
            )
    header = ["recording", "engine", "s (median)", "range", "real-time factor", "ours is faster by", "whole process s"]
    return report.table([*header, "WER %", "peak MB"], rows, n_left=2)


def missed_bounds(results: Results, clips: list[Clip]) -> list[str]:
    """What is slower, larger or less accurate than it may be, in words."""
    missed = []
    for clip in clips:
        runs = results[clip.name]
        wer = runs[OURS].worst_wer(clip.reference)
        if wer > WER_BOUNDS_PERCENT[clip.name]:
            missed.append(f"{clip.name}: WER {wer:.1f} %, at most {WER_BOUNDS_PERCENT[clip.name]} % allowed")
        if runs[OURS].peak_memory_bytes > MEMORY_BOUND_BYTES:
            missed.append(f"{clip.name}: peak memory {runs[OURS].peak_memory_bytes / 10**6:.0f} MB")
        for peer, bound in SPEED_BOUNDS.items():
            if speedup(runs, peer) < bound:
                missed.append(f"{clip.name}: {speedup(runs, peer):.2f} x {peer}'s speed, {bound} x wanted")
    return missed


def section(results: Results, clips: list[Clip], facts: dict[str, str]) -> str:
    """The Markdown section of docs/benchmarks.md."""
    n_rounds = len(results[clips[0].name][OURS].processing_s)
    method = METHOD.format(n_rounds=n_rounds, n_threads=peers.N_THREADS)
    bounds = report.missed(missed_bounds(results, clips))
    return "\n\n".join([method, summary(results, clips), bounds, report.facts(report.machine() | facts)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    peers.add_arguments(parser)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each engine on each file (default: 5)")
    parser.add_argument("--json", type=Path, help="every run's figures and text")
    parser.add_argument("--no-write", action="store_true", help="leave docs/benchmarks.md as it is")
    arguments = parser.parse_args()

    environment = peers.Peers(arguments.peers)
    environment.set_up()
    clips = recordings()
    results, facts = measure(environment, clips, arguments.rounds)
    text = section(results, clips, facts)
    print(text)
    if arguments.json:
        report.write_json(arguments.json, {"facts": report.machine() | facts, "runs": plain(results)})
    if not arguments.no_write:
        report.write_section("speed", text)
    return 1 if missed_bounds(results, clips) else 0


if __name__ == "__main__":
    sys.exit(main())
