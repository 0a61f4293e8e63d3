"""What `bench` measured, as tables for people and as plain values for JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from app.engine.benchmark import BenchmarkJob, DeviceAbsent, DeviceBenchmark, MeasuredRun
from gpu.types import GraphProfile, NodeProfile

_STAGES = {"read": "reading", "mel": "spectrogram"}  # others are called as they are
_PER_ITEM = {"encode": "window", "prompt": "window", "decode": "token"}
_MOST_NODES = 12
_KERNEL_COLUMNS = "  {:<36}{:>10}{:>10}{:>7}{:>12}{:>10}{:>9}"
_NODE_COLUMNS = "  {:<58}{:>8}{:>10}{:>7}{:>10}{:>9}{:>10}"


@dataclass(frozen=True)
class _Row:
    """One figure of every device; None where a device has none. `is_share`: also as percent of the transcription."""

    label: str
    values: Sequence[float | None]
    form: str
    is_share: bool = False
    has_ratio: bool = True


def table_lines(job: BenchmarkJob, measured: Sequence[DeviceBenchmark]) -> list[str]:
    """The table of all devices side by side; with two of them also how many times faster the second is."""
    first = measured[0]
    model, stats = first.model, first.median.stats
    lines = [
        f"{job.recording.name} ({stats.audio_s:.1f} s), {model.name} ({model.size}, {model.quantization}), "
        f"run of median length of {len(first.runs)}",
        *(f"{one.device.kind.upper()}: {one.device.name}" for one in measured),
        "",
        f"{'':28}" + "".join(f"{one.device.kind.upper():>12}{'':6}" for one in measured) + _ratio_head(measured),
    ]
    totals = [one.median.stats.processing_s for one in measured]
    for row in _rows(measured):
        line = f"{row.label:28}"
        for value, total in zip(row.values, totals, strict=True):
            share = f"{value / total:6.0%}" if row.is_share and value is not None and total else " " * 6
            line += f"{'-' if value is None else row.form.format(value):>12}{share}"
        lines.append(line + _ratio(row))
    return [line.rstrip() for line in lines]


def _ratio_head(measured: Sequence[DeviceBenchmark]) -> str:
    return f"{'faster by':>12}" if len(measured) > 1 else ""


def _ratio(row: _Row) -> str:
    if len(row.values) < 2 or not row.has_ratio or not row.values[0] or not row.values[-1]:
        return ""
    return f"{row.values[0] / row.values[-1]:10.2f} x"


def _rows(measured: Sequence[DeviceBenchmark]) -> Iterator[_Row]:
    runs = [one.median for one in measured]
    yield _Row("load", [one.model.load_s for one in measured], "{:.3f} s")
    for name in dict.fromkeys(name for run in runs for name in run.stages):
        label = _STAGES.get(name, name)
        stages = [run.stages.get(name) for run in runs]
        seconds = [stage.seconds if stage else None for stage in stages]
        beside = [stage.beside_s if stage else None for stage in stages]
        if any(seconds):
            yield _Row(label, seconds, "{:.3f} s", is_share=True)
        if any(beside):
            yield _Row(f"{label}, meanwhile", beside, "{:.3f} s")
    yield _Row("the rest", [run.rest_s for run in runs], "{:.3f} s", is_share=True)
    yield _Row("transcription", [run.stats.processing_s for run in runs], "{:.3f} s", is_share=True)
    yield _Row("real-time factor", [run.stats.real_time_factor for run in runs], "{:.4f}")
    for name, item in _PER_ITEM.items():
        yield _Row(f"{name}, a {item}", [_per_item_ms(run, name) for run in runs], "{:.2f} ms")
    windows = [run.stats.n_windows for run in runs]
    each = [1000 * run.stats.processing_s / n if n else None for run, n in zip(runs, windows, strict=True)]
    yield _Row("everything, a window", each, "{:.2f} ms")
    yield _Row("windows", windows, "{:.0f}", has_ratio=False)
    tokens = [run.stages["decode"].n_items if "decode" in run.stages else 0 for run in runs]
    yield _Row("tokens", tokens, "{:.0f}", has_ratio=False)
    yield _Row("peak memory", [run.stats.memory.peak / 1e6 for run in runs], "{:.0f} MB", has_ratio=False)


def _per_item_ms(run: MeasuredRun, name: str) -> float | None:
    stage = run.stages.get(name)
    return 1000 * stage.seconds / stage.n_items if stage and stage.n_items else None


def memory_lines(one: DeviceBenchmark) -> list[str]:
    """The process's memory after each stage of the first run."""
    is_host = one.device.kind == "cpu"  # what a GPU's backend tells is of the GPU's
    rows = [("start", one.start.used, one.start.peak)]
    rows += [("load", one.loaded.used, one.loaded.peak)] if is_host else []
    rows += [(_STAGES.get(name, name), stage.used, stage.peak) for name, stage in one.runs[0].stages.items()]
    end = one.runs[0].stats.memory
    rows += [("end", end.used, end.peak)] if is_host else []
    lines = [f"{one.device.kind.upper()}, memory in MB after:", f"  {'':26}{'in use':>12}{'peak':>12}"]
    return lines + [f"  {label:26}{used / 1e6:12.0f}{peak / 1e6:12.0f}" for label, used, peak in rows]


def profile_lines(one: DeviceBenchmark) -> Iterator[str]:
    """Where each graph's time goes: by operator, then by node, layers added up. One run, slowed down by measuring."""
    for graph in one.profile:
        yield ""
        runs = "1 run" if graph.n_runs == 1 else f"{graph.n_runs} runs"
        yield f"{one.device.kind.upper()}, {graph.graph}: {runs}, {graph.seconds:.3f} s, slowed down by measuring"
        yield _NODE_COLUMNS.format("operator", "calls", "ms", "share", "us a call", "GFLOP/s", "MB out").rstrip()
        by_op = sorted(graph.nodes, key=lambda node: node.op)
        ops = [_added_up(op, list(nodes)) for op, nodes in groupby(by_op, key=lambda node: node.op)]
        for row in sorted(ops, key=lambda node: -node.seconds):
            yield _node_line(row.op, row, graph)
        yield "  node"
        for node in graph.nodes[:_MOST_NODES]:
            yield _node_line(f"{node.op} {node.node}".strip(), node, graph)
        if others := graph.nodes[_MOST_NODES:]:
            yield _node_line(f"{len(others)} others", _added_up("", others), graph)


def kernel_lines(one: DeviceBenchmark) -> Iterator[str]:
    """The GPU's memory, and what each of its kernels took. One run, slowed down by measuring."""
    if (memory := one.device_memory) is not None:
        mb = [f"{n_bytes / 1e6:,.0f}" for n_bytes in (memory.used, memory.peak, memory.free, memory.total)]
        yield ""
        yield "{}, GPU memory in MB: {} ours, {} at most; {} free of {}".format(one.device.kind.upper(), *mb)
    if not one.kernels:
        return
    seconds = sum(kernel.seconds for kernel in one.kernels)
    n_launches = sum(kernel.n_launches for kernel in one.kernels)
    yield ""
    yield f"{one.device.kind.upper()}, kernels: {n_launches} launches, {seconds:.3f} s, each by itself, without graphs"
    yield _KERNEL_COLUMNS.format("kernel", "launches", "ms", "share", "us a launch", "MB", "GB/s")
    for kernel in one.kernels:
        yield _KERNEL_COLUMNS.format(
            kernel.name[:36],
            kernel.n_launches,
            f"{1e3 * kernel.seconds:.2f}",
            f"{kernel.seconds / seconds:.0%}" if seconds else "",
            f"{1e6 * kernel.seconds / kernel.n_launches:.1f}",
            f"{kernel.n_bytes / 1e6:,.1f}",
            f"{kernel.n_bytes / kernel.seconds / 1e9:,.0f}" if kernel.seconds else "",
        )


def _added_up(op: str, nodes: Sequence[NodeProfile]) -> NodeProfile:
    return NodeProfile(
        op,
        "",
        sum(node.n_calls for node in nodes),
        sum(node.seconds for node in nodes),
        sum(node.flops for node in nodes),
        max(node.output_bytes for node in nodes),
    )


def _node_line(label: str, node: NodeProfile, graph: GraphProfile) -> str:
    rate = f"{node.flops / node.seconds / 1e9:.1f}" if node.flops and node.seconds else ""
    return _NODE_COLUMNS.format(
        label[:58],
        node.n_calls,
        f"{1000 * node.seconds:.1f}",
        f"{node.seconds / graph.seconds:.0%}" if graph.seconds else "",
        f"{1e6 * node.seconds / node.n_calls:.0f}",
        rate,
        f"{node.output_bytes / 1e6:.2f}",
    )


def as_json(job: BenchmarkJob, measured: Sequence[DeviceBenchmark], absent: Sequence[DeviceAbsent]) -> dict[str, Any]:
    """Everything as plain values: seconds, bytes."""
    return {
        "recording": str(job.recording),
        "model": str(job.model),
        "devices": [_device_json(one) for one in measured],
        "absent": {device.device: device.cause for device in absent},
        "speedup": measured[0].median.stats.processing_s / measured[-1].median.stats.processing_s
        if len(measured) > 1
        else None,
    }


def _device_json(one: DeviceBenchmark) -> dict[str, Any]:
    return {
        "device": one.device.kind,
        "device_name": one.device.name,
        "model": asdict(one.model),
        "memory_at_start": asdict(one.start),
        "memory_loaded": asdict(one.loaded),
        "runs": [_run_json(run) for run in one.runs],
        "median_run": one.runs.index(one.median),
        "profile": [asdict(graph) for graph in one.profile],
        "kernels": [asdict(kernel) for kernel in one.kernels],
        "device_memory": asdict(one.device_memory) if one.device_memory else None,
    }


def _run_json(run: MeasuredRun) -> dict[str, Any]:
    return {
        **asdict(run.stats),
        "real_time_factor": run.stats.real_time_factor,
        "stages": {name: asdict(stage) for name, stage in run.stages.items()},
        "rest_s": run.rest_s,
        **{f"{name}_ms_per_{item}": _per_item_ms(run, name) for name, item in _PER_ITEM.items()},
    }
