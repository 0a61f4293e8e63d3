"""Puts measured tables into docs/benchmarks.md: each script owns the section between its two markers."""

from __future__ import annotations

import datetime
import json
import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from tests.support.corpus import ROOT

BENCHMARKS = ROOT / "docs" / "benchmarks.md"
INTRODUCTION = """# Benchmarks

Everything below is written by the commands it names; run them to get your machine's figures.
"""
# What decides which kernels an engine can use.
RELEVANT_CPU_FLAGS = (
    "avx2",
    "fma",
    "f16c",
    "avx512f",
    "avx512bw",
    "avx512_vnni",
    "avx_vnni",
    "amx_int8",
    "asimddp",
    "i8mm",
    "sve",
)


def write_section(name: str, markdown: str, path: Path = BENCHMARKS) -> None:
    """Replace the section `name`, or append it; the rest of the file stays as it is."""
    begin, end = f"<!-- {name}: begin, generated -->", f"<!-- {name}: end -->"
    section = f"{begin}\n{markdown.strip()}\n{end}"
    text = path.read_text(encoding="utf-8") if path.exists() else INTRODUCTION
    if begin in text:
        before, rest = text.split(begin)
        text = before + section + rest.split(end, 1)[1]
    else:
        text = f"{text.rstrip()}\n\n{section}\n"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def table(header: Sequence[str], rows: Sequence[Sequence[str]], n_left: int = 1) -> str:
    """A Markdown table that also reads well on a terminal: the first `n_left` columns left, the others right."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        left = [cell.ljust(width) for cell, width in zip(cells[:n_left], widths[:n_left], strict=True)]
        right = [cell.rjust(width) for cell, width in zip(cells[n_left:], widths[n_left:], strict=True)]
        return f"| {' | '.join([*left, *right])} |"

    rule = line(["-" * width if i < n_left else "-" * (width - 1) + ":" for i, width in enumerate(widths)])
    return "\n".join([line(header), rule, *map(line, rows)])


def machine() -> dict[str, str]:
    """The machine, as far as it bears on the figures."""
    cpu, flags = _cpu()
    return {
        "date": datetime.date.today().isoformat(),
        "cpu": cpu,
        "cpu flags": " ".join(flag for flag in RELEVANT_CPU_FLAGS if flag in flags) or "unknown",
        "cores": f"{psutil.cpu_count(logical=False)} physical, {os.cpu_count()} logical",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": platform.platform(),
        "ours": ", ".join(
            [f"Python {platform.python_version()}", *(f"{p} {version(p)}" for p in ("onnxruntime", "numpy"))]
        ),
    }


def missed(bounds: Sequence[str]) -> str:
    """What fell short of its bound, in words."""
    return f"Missed bounds: {'; '.join(bounds) or 'none'}."


def facts(content: dict[str, str]) -> str:
    """Markdown list of name and value."""
    return "\n".join(f"- {name}: {value}" for name, value in content.items())


def _cpu() -> tuple[str, set[str]]:
    """Name and feature flags; Linux tells both."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor() or platform.machine(), set()
    fields: dict[str, str] = {}
    for line in info.read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    name = fields.get("model name", platform.machine())
    return name, set((fields.get("flags") or fields.get("Features", "")).split())
