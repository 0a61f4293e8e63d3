"""The long recording with base in each other type of weights: ours beside whisper.cpp with the same file."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tests.bench import peers, report
from tests.bench.models import Model
from tests.bench.runs import OURS, Results, Runs, run_ours, run_peer
from tests.support.corpus import Clip

SHIPPED = "shipped Q5_1"
METHOD = """### Other types of weights

The same recording with base in each other type, made from F16; one run each, and beside each one of ours with the
shipped Q5_1. whisper.cpp is missing where it cannot read the file."""


def measure_types(environment: peers.Peers, models: Sequence[Model], clip: Clip) -> Results:
    """By the model's name: ours, ours with the shipped weights, and whisper.cpp if it can."""
    results: Results = {}
    for model in models:
        runs = results[model.name] = {OURS: Runs(), SHIPPED: Runs()}
        run_ours(clip, runs[OURS], ["--model", model.ggml])
        run_ours(clip, runs[SHIPPED])
        theirs = Runs()
        try:
            run_peer(environment, peers.WHISPER_CPP, clip, theirs, model.ggml)
        except peers.PeerError as e:
            print(f"{model.name}: {e}", file=sys.stderr)
        else:
            runs[peers.WHISPER_CPP] = theirs
        took = "; ".join(f"{name} {r.processing_s[0]:.2f} s" for name, r in runs.items())
        print(f"{model.name}, {clip.name}: {took}", file=sys.stderr)
    return results


def types_section(results: Results, models: Sequence[Model], clip: Clip) -> str:
    """Markdown: a row for each type and engine."""
    rows = []
    for model in models:
        engines = results[model.name]
        ours, shipped = engines[OURS].processing_s[0], engines[SHIPPED].processing_s[0]
        for name in (OURS, peers.WHISPER_CPP):
            if name not in engines:
                continue
            runs = engines[name]
            errors = runs.worst_errors(clip.reference)
            rows.append(
                [
                    model.name,
                    name,
                    f"{model.ggml.stat().st_size / 10**6:.0f}",
                    f"{runs.processing_s[0]:.2f}",
                    f"{ours / shipped:.2f}" if name == OURS else "",
                    "" if name == OURS else f"{ours / runs.processing_s[0]:.2f}",
                    f"{errors.percent:.1f}",
                    str(errors.deletions),
                    f"{runs.peak_memory_bytes / 10**6:.0f}",
                ]
            )
    header = ["weights", "engine", "file MB", "s", "of our time with Q5_1", "ours / its time", "WER %"]
    return f"{METHOD}\n\n{report.table([*header, 'words left out', 'peak MB'], rows, n_left=2)}"
