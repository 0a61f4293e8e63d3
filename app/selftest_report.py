"""The self-test's outcome as a file to send."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from app import __version__
from gpu.types import Check

# What computes, and is compared with; those that are not there are left out.
_PACKAGES = (
    "numpy", "onnxruntime", "cupy-cuda13x", "cupy-cuda12x", "nvidia-cuda-nvrtc", "nvidia-cuda-runtime", "pywhispercpp"
)  # fmt: skip


def write_report(path: Path, model: Path, checks: Iterable[Check]) -> None:
    """One JSON object: version, system, packages, model, how many checks passed, and all of them with their figures.

    Raises `OSError`.
    """
    checks = list(checks)
    rows = [
        {"what": check.what, "outcome": check.outcome, "detail": check.detail, **check.figures}
        | ({"kernels": check.kernels} if check.kernels else {})
        for check in checks
    ]
    report = {
        "version": __version__,
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": dict(_packages()),
        "model": model.name,
        **{outcome: sum(check.outcome == outcome for check in checks) for outcome in ("passed", "failed", "skipped")},
        "checks": rows,
    }
    path.write_text(json.dumps(report, indent=1, ensure_ascii=False), encoding="utf-8")


def _packages() -> Iterator[tuple[str, str]]:
    for name in _PACKAGES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue
